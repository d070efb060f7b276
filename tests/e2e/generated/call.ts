import createClient from "openapi-fetch";
import type { components, paths } from "./ari";

const [url, user, password] = process.argv.slice(2);
const authorization = "Basic " + Buffer.from(`${user}:${password}`).toString("base64");
const client = createClient<paths>({ baseUrl: url, headers: { authorization } });

async function call(): Promise<void> {
  const typed = { path: { channelId: "typed" } };
  const query = { endpoint: "Local/600@default", app: "typed" };
  const made = await client.POST("/channels/{channelId}", { params: { ...typed, query } });
  const read = await client.GET("/channels/{channelId}", { params: typed });
  const channel: components["schemas"]["Channel"] | undefined = read.data;
  const over = await client.DELETE("/channels/{channelId}", {
    params: { ...typed, query: { reason: "busy" } },
  });
  const absent = await client.GET("/channels/{channelId}", {
    params: { path: { channelId: "absent" } },
  });
  if (made.data?.name !== channel?.name) throw new Error("another channel was read");
  const [ended, missing] = [over.response.status, absent.response.status];
  console.log(JSON.stringify([channel?.name, ended, missing, absent.error?.message]));
}

call();
