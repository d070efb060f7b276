// A caller waits in a holding bridge until an agent comes, then both talk. On ari-client.
'use strict';
const ari = require('ari-client');

const { ARI_URL, ARI_USER, ARI_PASSWORD } = process.env;

ari.connect(ARI_URL, ARI_USER, ARI_PASSWORD).then((client) => {
  let holding = null;
  client.on('StasisStart', async (event, channel) => {
    await channel.answer();
    if (event.args[0] !== 'agent') {
      holding = await client.Bridge().create({ type: 'holding' });
      await holding.addChannel({ channel: channel.id });
      await holding.startMoh();
      await client.Channel().originate(
        { endpoint: 'PJSIP/100', app: 'bridge_move', appArgs: 'agent' });
      return;
    }
    const [caller] = (await client.bridges.get({ bridgeId: holding.id })).channels;
    const mixing = await client.Bridge().create({ type: 'mixing' });
    await holding.removeChannel({ channel: caller });
    await holding.destroy();
    await mixing.addChannel({ channel: [caller, channel.id] });
    console.log('talks');
    channel.once('StasisEnd', () => mixing.destroy().catch(() => {}));
    client.Channel(caller).once('StasisEnd', () => channel.hangup().catch(() => {}));
  });
  return client.start('bridge_move').then(() => console.log('ready'));
});
