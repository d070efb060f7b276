"""Make the prompts of stasisd/sounds/en from conf/sounds.toml; the result is committed.

    python -m tests.sounds.make_prompts             every prompt
    python -m tests.sounds.make_prompts hello beep  these only

Needs the program espeak-ng. Everything is 8 kHz, what G.711 carries, so nothing is resampled when
it is played. Samples keep 11 bits (noise 53 dB below speech, where mu-law's own is at 38), and
FLAC leaves out the five low bits that are then zero.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from .prompt_list import PromptList, Step, Voice, path_of, read_prompt_list

RATE = 8000
SPEECH_BAND = (100, 3400, 3900)  # Hz: from here, flat up to here, nothing from here on
LEVEL = 10 ** (-18 / 20)  # of the sounding parts, RMS against full scale
CEILING = 10 ** (-1 / 20)  # of any sample
AUDIBLE = 10 ** (-40 / 20)  # against the prompt's peak: less than this counts as silence
FRAME = RATE // 100
MARGIN = RATE * 30 // 1000  # silence kept around speech
FADE = RATE * 5 // 1000
STEP = 1 << 5  # 11 bits of 16

Samples = npt.NDArray[np.float64]


def speak(text: str, voice: Voice) -> Samples:
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        settings = ["-v", voice.name, "-s", str(voice.words_per_minute), "-p", str(voice.pitch)]
        command = ["espeak-ng", *settings, "-w", str(wav), "--stdin"]
        subprocess.run(command, input=text.encode(), check=True)
        samples, rate = soundfile.read(wav)
    return fade(level(trim(to_telephone_band(samples, rate))))


def to_telephone_band(samples: Samples, rate: int) -> Samples:
    """Resample by cutting the spectrum; silence around it keeps the ends from meeting.

    samples: at `rate` Hz, a multiple of 50; returned at RATE.
    """
    padded = np.pad(samples, rate // 4)
    padded = padded[: len(padded) - len(padded) % (rate // 50)]
    length = len(padded) * RATE // rate
    spectrum = np.fft.rfft(padded)[: length // 2 + 1]
    frequencies = np.fft.rfftfreq(length, 1 / RATE)[: len(spectrum)]
    low, flat, end = SPEECH_BAND
    slope = np.clip((end - frequencies) / (end - flat), 0, 1)
    gain = np.sin(np.pi / 2 * slope) ** 2 * np.clip(frequencies / low, 0, 1) ** 2
    resampled: Samples = np.fft.irfft(spectrum * gain, length) * (RATE / rate)
    return resampled


def trim(samples: Samples) -> Samples:
    audible = np.flatnonzero(np.abs(samples) > AUDIBLE * np.abs(samples).max())
    return samples[int(audible[0]) - MARGIN : int(audible[-1]) + MARGIN]


def level(samples: Samples) -> Samples:
    """Bring the sounding frames to LEVEL, or as near as CEILING permits."""
    peak = float(np.abs(samples).max())
    return samples * min(LEVEL / sounding_rms(samples), CEILING / peak)


def sounding_rms(samples: Samples) -> float:
    """RMS over the frames that sound, so that pauses don't make a prompt louder."""
    frames = samples[: len(samples) - len(samples) % FRAME].reshape(-1, FRAME)
    power = np.mean(frames**2, axis=1)
    return float(np.sqrt(power[power > power.max() * 0.001].mean()))


def fade(samples: Samples) -> Samples:
    slope = np.sin(np.linspace(0, np.pi / 2, FADE)) ** 2
    faded = samples.copy()
    faded[:FADE] *= slope
    faded[-FADE:] *= slope[::-1]
    return faded


def sound(steps: list[Step]) -> Samples:
    return level(np.concatenate([chord(step) for step in steps]))


def chord(step: Step) -> Samples:
    times = np.arange(RATE * step.ms // 1000) / RATE
    waves = [np.sin(2 * np.pi * hz * times) for hz in step.hz]
    return fade(np.sum(waves, axis=0)) if waves else np.zeros(len(times))


def make(name: str, prompts: PromptList) -> Samples:
    if name in prompts.speech:
        return speak(prompts.speech[name], prompts.voice)
    if name in prompts.tones:
        return sound(prompts.tones[name])
    return np.zeros(prompts.silence[name] * RATE)


def write(name: str, samples: Samples) -> None:
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = (np.round(samples * 32768 / STEP) * STEP).astype(np.int16)
    soundfile.write(path, stored, RATE, format="FLAC", subtype="PCM_16", compression_level=1.0)


def main() -> None:
    prompts = read_prompt_list()
    names = sys.argv[1:] or prompts.names()
    unknown = set(names) - set(prompts.names())
    if unknown:
        sys.exit(f"not in conf/sounds.toml: {', '.join(sorted(unknown))}")
    for name in names:
        samples = make(name, prompts)
        write(name, samples)
        print(f"{name}: {len(samples) / RATE:.2f} s")


if __name__ == "__main__":
    main()
