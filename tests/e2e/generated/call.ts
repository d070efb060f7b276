import createClient from "openapi-fetch";
import type { components, paths } from "./ari";

const [url, user, password] = process.argv.slice(2);
const authorization = "Basic " + Buffer.from(`${user}:${password}`).toString("base64");
const client = createClient<paths>({ baseUrl: url, headers: { authorization } });

async function call(): Promise<void> {
  const made = await client.POST("/channels/{channelId}", {
    params: {
      path: { channelId: "typed" },
      query: { endpoint: "Local/600@default", app: "typed" },
    },
  });
  const channel: components["schemas"]["Channel"] | undefined = made.data;
  const absent = await client.GET("/channels/{channelId}", {
    params: { path: { channelId: "absent" } },
  });
  console.log(JSON.stringify([channel?.name, absent.response.status, absent.error?.message]));
}

call();
