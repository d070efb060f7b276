// Holds a caller with music until a key is pressed. On npm's ari-client.
'use strict';
const ari = require('ari-client');

const { ARI_URL, ARI_USER, ARI_PASSWORD } = process.env;

ari.connect(ARI_URL, ARI_USER, ARI_PASSWORD).then((client) => {
  client.on('StasisStart', async (event, channel) => {
    channel.on('ChannelDtmfReceived', async (pressed) => {
      if (pressed.digit === '1') {
        await channel.stopMoh();
        await channel.startSilence();
        console.log('silence');
      } else {
        await channel.stopSilence();
        await channel.hangup();
      }
    });
    await channel.answer();
    await channel.startMoh();
    console.log('music');
  });
  return client.start('hold').then(() => console.log('ready'));
});
