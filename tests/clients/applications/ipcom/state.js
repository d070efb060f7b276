// Tells of every channel which states it goes through. On npm's @ipcom/asterisk-ari.
'use strict';
const { AriClient } = require('@ipcom/asterisk-ari');

const { ARI_HOST, ARI_PORT, ARI_USER, ARI_PASSWORD } = process.env;
const client = new AriClient({
  host: ARI_HOST, port: Number(ARI_PORT), username: ARI_USER, password: ARI_PASSWORD,
});

client.connectWebSocket(['state']).then(async () => {
  client.on('StasisStart', async (event) => {
    console.log(`state ${event.channel.state}`);
    const details = await client.channels.get(event.channel.id);
    await client.channels.setChannelVariable(event.channel.id, 'SEEN', details.state);
    const seen = await client.channels.getChannelVariable(event.channel.id, 'SEEN');
    console.log(`seen ${seen.value}`);
    await event.instanceChannel.answer();
  });
  client.on('ChannelStateChange', (event) => console.log(`state ${event.channel.state}`));
  client.on('StasisEnd', () => console.log('gone'));
  console.log('ready');
});
