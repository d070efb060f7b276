// Calls another party for whoever calls, and bridges the two. On npm's ari-client.
'use strict';
const ari = require('ari-client');

const { ARI_URL, ARI_USER, ARI_PASSWORD } = process.env;

ari.connect(ARI_URL, ARI_USER, ARI_PASSWORD).then((client) => {
  client.on('StasisStart', async (event, caller) => {
    if (event.args[0] === 'dialed') return;
    const dialed = client.Channel();
    const leave = () => dialed.hangup().catch(() => {});
    caller.once('StasisEnd', leave);
    dialed.once('ChannelDestroyed', () => caller.hangup().catch(() => {}));
    dialed.once('StasisStart', async () => {
      const bridge = client.Bridge();
      dialed.once('StasisEnd', () => bridge.destroy().catch(() => {}));
      await caller.answer();
      await dialed.answer();
      await bridge.create({ type: 'mixing' });
      await bridge.addChannel({ channel: [caller.id, dialed.id] });
      console.log('bridged');
    });
    await caller.ring();
    await dialed.originate({ endpoint: 'PJSIP/100', app: 'bridge_dial', appArgs: 'dialed' });
  });
  return client.start('bridge_dial').then(() => console.log('ready'));
});
