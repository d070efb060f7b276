// The application "demo" with npm's ari-client 2.2.0.
//
//     npm install ari-client@2.2.0
//     ARI_PASSWORD=... node ari_client_demo.js [URL [USER [PASSWORD]]]
//
// It answers, tells a story that the caller's keys control, records a message, plays it back and
// hangs up. Each call is one async function, written as the call goes; when the caller hangs up,
// the next event that it waits for is an error, and the function is over.

'use strict';

const { EventEmitter, on } = require('events');
const ari = require('ari-client');

const APPLICATION = 'demo';
// While the story is told; 5 alternates between pause and unpause, * stops, # goes on.
const CONTROLS = { 4: 'reverse', 6: 'forward', 1: 'restart' };
// How long we wait, in seconds, for a key when the story is over.
const PATIENCE = 10;
// Answers to a request that came too late: the object is gone, or has left the application.
const TOO_LATE = /not found|not in/i;

class HungUp extends Error {}

// One call: the events of its channel, playbacks and recording wait in a queue.
class Call extends EventEmitter {
  constructor(channel) {
    super();
    this.channel = channel;
    this.queue = on(this, 'event');
  }

  hear(event) {
    this.emit('event', event);
  }

  // Wait for something to happen. Throws HungUp when the channel leaves us.
  async next() {
    const { value: [event] } = await this.queue.next();
    if (event.type === 'StasisEnd') throw new HungUp();
    return event;
  }

  // Wait for a key, or null when the playback is over.
  async keyDuring(playback) {
    for (;;) {
      const event = await this.next();
      if (event.type === 'ChannelDtmfReceived') return event.digit;
      if (event.type === 'PlaybackFinished' && event.playback.id === playback.id) return null;
    }
  }

  // Wait for a key, or null when the time is over.
  async keyWithin(seconds) {
    const timer = setTimeout(() => this.hear({ type: 'TimeIsOver' }), seconds * 1000);
    try {
      for (;;) {
        const event = await this.next();
        if (event.type === 'ChannelDtmfReceived') return event.digit;
        if (event.type === 'TimeIsOver') return null;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  // Play something until it is over or a key is pressed, and return the key.
  async say(media) {
    const playback = await this.channel.play({ media });
    const key = await this.keyDuring(playback);
    if (key !== null) await unlessTooLate(playback.stop());
    return key;
  }

  // The call from its beginning to its end.
  async talk() {
    await this.channel.answer();
    let key = await this.say('sound:demo-menu');
    while (key !== '#') { // any other key lets us tell the story, and tell it again
      key = (await this.tellStory()) || (await this.keyWithin(PATIENCE)) || '#';
    }
    await this.takeMessage();
    await this.say('sound:demo-thanks');
    await this.channel.hangup();
  }

  // Play the story under the caller's control. Return # if that ended it.
  async tellStory() {
    const story = await this.channel.play({ media: 'sound:demo-story' });
    const control = (operation) => unlessTooLate(story.control({ operation }));
    let paused = false;
    let key;
    while ((key = await this.keyDuring(story)) !== null) {
      if (key === '5') {
        paused = !paused;
        await control(paused ? 'pause' : 'unpause');
      } else if (key in CONTROLS) {
        await control(CONTROLS[key]);
      } else if (key === '*' || key === '#') {
        await unlessTooLate(story.stop());
        if (key === '#') return key;
      }
    }
    return null;
  }

  // Record what the caller says, and play it back.
  async takeMessage() {
    await this.say('sound:please-leave-message');
    const recording = await this.channel.record({
      name: `${APPLICATION}-${this.channel.id}`,
      format: 'wav',
      beep: true,
      maxDurationSeconds: 60,
      maxSilenceSeconds: 4,
      terminateOn: '#',
      ifExists: 'overwrite',
    });
    let event;
    do {
      event = await this.next();
    } while (event.type !== 'RecordingFinished' && event.type !== 'RecordingFailed');
    if (event.type === 'RecordingFailed') {
      await this.say('sound:demo-nothing-recorded');
      return;
    }
    await this.say('sound:demo-recorded');
    await this.say(`recording:${recording.name}`);
  }
}

// Send a request to something that may have ended meanwhile.
async function unlessTooLate(request) {
  try {
    await request;
  } catch (error) {
    if (!TOO_LATE.test(error.message)) throw error;
  }
}

// Talk to one caller, whatever happens.
async function take(call) {
  const { channel } = call;
  try {
    await call.talk();
    console.log(`${channel.name}: over`);
  } catch (error) {
    if (error instanceof HungUp || TOO_LATE.test(error.message)) {
      console.log(`${channel.name}: the caller hung up`);
    } else {
      console.log(`${channel.name}: ${error.message}`);
      await unlessTooLate(channel.hangup());
    }
  }
}

// The channel that an event is about.
function channelOf(event) {
  if (event.channel) return event.channel.id;
  const { target_uri: target = '' } = event.playback || event.recording || {};
  return target.replace(/^channel:/, '');
}

async function main(url, user, password) {
  const client = await ari.connect(url, user, password);
  const calls = new Map();
  client.on('*', (event) => {
    const call = calls.get(channelOf(event));
    if (call) call.hear(event);
  });
  client.on('StasisStart', (event, channel) => {
    const call = new Call(channel);
    calls.set(channel.id, call);
    take(call).finally(() => calls.delete(channel.id));
  });
  await client.start(APPLICATION);
  console.log(`The application '${APPLICATION}' waits for calls at ${url}`);
}

const { ARI_URL, ARI_USER, ARI_PASSWORD } = process.env;
const [
  url = ARI_URL || 'http://127.0.0.1:8088/',
  user = ARI_USER || 'stasis',
  password = ARI_PASSWORD || '',
] = process.argv.slice(2);
main(url, user, password).catch((error) => {
  console.error(error.message || error);
  process.exitCode = 1;
});
