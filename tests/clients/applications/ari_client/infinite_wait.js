// Everybody waits in one holding bridge, with music, for as long as they like. On ari-client.
'use strict';
const ari = require('ari-client');

const { ARI_URL, ARI_USER, ARI_PASSWORD } = process.env;

ari.connect(ARI_URL, ARI_USER, ARI_PASSWORD).then((client) => {
  let waiting = null;
  async function room() {
    const bridges = await client.bridges.list();
    waiting = bridges.find((bridge) => bridge.bridge_type === 'holding');
    if (!waiting) {
      waiting = await client.Bridge().create({ type: 'holding' });
      await waiting.startMoh();
    }
    return waiting;
  }
  client.on('StasisStart', async (event, channel) => {
    await channel.answer();
    await (await room()).addChannel({ channel: channel.id });
    console.log('waits');
  });
  client.on('StasisEnd', async () => {
    const bridge = await client.bridges.get({ bridgeId: waiting.id });
    if (bridge.channels.length === 0) {
      await bridge.destroy();
      console.log('empty');
    }
  });
  return client.start('infinite_wait').then(() => console.log('ready'));
});
