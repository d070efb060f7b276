// Plays the tone of each key that is pressed, until #. On npm's @ipcom/asterisk-ari.
'use strict';
const { AriClient } = require('@ipcom/asterisk-ari');

const { ARI_HOST, ARI_PORT, ARI_USER, ARI_PASSWORD } = process.env;
const client = new AriClient({
  host: ARI_HOST, port: Number(ARI_PORT), username: ARI_USER, password: ARI_PASSWORD,
});
const TONES = { 1: 'tone:ring', 2: 'tone:busy', 3: 'tone:congestion' };
let playing = null;

client.connectWebSocket(['tones']).then(async () => {
  client.on('StasisStart', async (event) => {
    await event.instanceChannel.answer();
    console.log('answered');
  });
  client.on('ChannelDtmfReceived', async (event) => {
    if (playing) await client.playbacks.stop(playing);
    playing = null;
    if (event.digit === '#') {
      await client.channels.hangup(event.channel.id);
      return;
    }
    playing = `tone-${event.digit}`;
    await client.channels.playWithId(event.channel.id, playing, TONES[event.digit]);
    console.log(`tone ${event.digit}`);
  });
  console.log('ready');
});
