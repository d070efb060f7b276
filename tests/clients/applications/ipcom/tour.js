// Originates a call, answers, plays, bridges, looks at all of it, and hangs up. On
// npm's @ipcom/asterisk-ari.
'use strict';
const { AriClient } = require('@ipcom/asterisk-ari');

const { ARI_HOST, ARI_PORT, ARI_USER, ARI_PASSWORD } = process.env;
const client = new AriClient({
  host: ARI_HOST, port: Number(ARI_PORT), username: ARI_USER, password: ARI_PASSWORD,
});

client.connectWebSocket(['tour']).then(async () => {
  client.once('StasisStart', async (event) => {
    const channel = event.instanceChannel;
    await channel.answer();
    const playback = client.Playback();
    const finished = new Promise((resolve) => playback.once('PlaybackFinished', resolve));
    await client.channels.playWithId(channel.id, playback.id, 'sound:hello-world');
    await finished;
    console.log('played');
    const bridge = await client.bridges.createBridge({ type: 'mixing', name: 'tour' });
    await client.bridges.addChannels(bridge.id, { channel: [channel.id] });
    const found = await client.bridges.get(bridge.id);
    if (found.channels[0] !== channel.id) throw new Error(`not in it: ${found.channels}`);
    console.log('bridged');
    await channel.hangup();
    await client.bridges.destroy(bridge.id);
    await client.closeWebSocket();
    console.log('done');
    process.exit(0);
  });
  console.log('ready');
  await client.Channel().originate({ endpoint: 'PJSIP/100', app: 'tour' });
});
