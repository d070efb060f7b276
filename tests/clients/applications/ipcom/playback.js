// Rings, answers, plays a prompt, and hangs up when it is over. On npm's @ipcom/asterisk-ari.
'use strict';
const { AriClient } = require('@ipcom/asterisk-ari');

const { ARI_HOST, ARI_PORT, ARI_USER, ARI_PASSWORD } = process.env;
const client = new AriClient({
  host: ARI_HOST, port: Number(ARI_PORT), username: ARI_USER, password: ARI_PASSWORD,
});

client.connectWebSocket(['playback']).then(async () => {
  client.on('StasisStart', async (event) => {
    const channel = event.instanceChannel;
    await client.channels.ringChannel(channel.id);
    await channel.answer();
    const playback = client.Playback();
    playback.once('PlaybackFinished', async (finished) => {
      console.log(`played ${finished.playback.state}`);
      await channel.hangup();
    });
    await client.channels.playWithId(channel.id, playback.id, 'sound:hello-world');
  });
  console.log('ready');
});
