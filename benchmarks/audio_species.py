"""Do species sound like themselves, and unlike one another?

Several phrases of several species, all in one place so that only the voice tells them apart; a distance between calls
from cepstra, their movement, the rhythm of loudness and the pitch. Prints the distance within and between species, and
how often the nearest call is of the same species. Draws a sheet of spectrograms.
"""

import argparse
import io
import itertools
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageDraw

from postcards_audio.engine import AudioRequest
from postcards_audio.engines.vocal_tract import VocalTractEngine
from postcards_audio.engines.vocal_tract.articulation.default_phrase import default_phrase
from postcards_serving.engine.work import Work
from postcards_species.ancestry.parents import choose_parents
from postcards_species.place.scene import Scene
from postcards_species.surroundings import Biome, Finish, TimeOfDay, Weather
from postcards_species.voice.derive import derive_voice

RATE = 44_100
FRAME = 1024
SCENE = Scene(Biome.DESERT, Weather.CLEAR, TimeOfDay.DAY, Finish.FIELD_PLATE, 0.5, 0.5, 0)
COLOURS = np.array([(0, 0, 0), (60, 15, 110), (190, 40, 90), (250, 150, 30), (255, 250, 200)])


def record(species: int, phrase: int, seconds: float) -> np.ndarray:
    """Phrase number `phrase` of a species, in one channel."""
    tract = derive_voice(species, choose_parents(species), 0.5)
    request = AudioRequest(
        seed=1000 * species + phrase,
        vocal_tract=tract,
        phrase=default_phrase(1000 * species + phrase, tract),
        scene=SCENE,
        seconds=seconds,
    )
    result = VocalTractEngine().generate(request, Work())
    samples, _ = soundfile.read(io.BytesIO(result.blobs[0].data), dtype="float32")
    return samples.mean(axis=1)


def power_frames(samples: np.ndarray) -> np.ndarray:
    """Power spectra of overlapping windows, shape (frames, bins)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[:: FRAME // 2]
    return np.abs(np.fft.rfft(frames * np.hanning(FRAME), axis=1)) ** 2


def mel_bank(bands: int) -> np.ndarray:
    """Triangles evenly spaced on the mel scale, shape (bands, bins)."""
    mels = np.linspace(0, 2595 * np.log10(1 + 16_000 / 700), bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    hertz = np.fft.rfftfreq(FRAME, 1 / RATE)
    rise = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall))


def pitches(samples: np.ndarray) -> np.ndarray:
    """Octaves over 20 Hz of the strongest autocorrelation of each loud and periodic window."""
    size = 4096
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::2048]
    frames = frames[np.mean(frames**2, axis=1) > 0.1 * np.mean(samples**2)]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(size), 2 * size, axis=1)) ** 2
    echo = np.fft.irfft(spectrum, axis=1)[:, : size // 2]
    lags = np.arange(10, 1800)
    strength = echo[:, lags] / echo[:, :1]
    best = strength.argmax(axis=1)
    return np.log2(RATE / lags[best[strength.max(axis=1) > 0.3]] / 20)


def features(samples: np.ndarray) -> np.ndarray:
    """What a call is compared by."""
    power = power_frames(samples)
    loudness = power.sum(axis=1)
    voiced = loudness > 0.02 * np.percentile(loudness, 99)
    bands = np.log(power @ mel_bank(32).T + 1e-6)
    order = np.arange(1, 15)[:, None]
    cepstra = bands @ np.cos(np.pi * order * (np.arange(32) + 0.5) / 32).T / 32
    movement = np.diff(cepstra, axis=0)[voiced[1:]]
    envelope = np.log(loudness + 1e-6) - np.log(loudness + 1e-6).mean()
    rhythm = np.abs(np.fft.rfft(envelope))
    rates = np.fft.rfftfreq(len(envelope), FRAME / 2 / RATE)
    octaves = [np.log(rhythm[(rates >= low) & (rates < 2 * low)].mean() + 1e-6) for low in (0.5, 1, 2, 4, 8, 16)]
    tones = pitches(samples)
    tune = np.percentile(tones, (10, 50, 90)) if len(tones) > 4 else np.full(3, 4.0)
    return np.concatenate(
        [cepstra[voiced].mean(axis=0), cepstra[voiced].std(axis=0), movement.std(axis=0), octaves, tune]
    )


def spectrogram(samples: np.ndarray, width: int, height: int) -> Image.Image:
    """Linear to 8 kHz, 65 dB deep."""
    starts = np.linspace(0, len(samples) - 2048, width).astype(int)
    frames = np.stack([samples[start : start + 2048] for start in starts]) * np.hanning(2048)
    level = 20 * np.log10(np.abs(np.fft.rfft(frames, 4096, axis=1)) + 1e-6)
    rows = np.linspace(8000, 0, height) / RATE * 4096
    grid = np.stack([np.interp(rows, np.arange(level.shape[1]), column) for column in level], axis=1)
    shade = np.clip((grid - np.percentile(grid, 99.8) + 65) / 65, 0, 1)
    stops = np.linspace(0, 1, len(COLOURS))
    return Image.fromarray(
        np.stack([np.interp(shade, stops, COLOURS[:, channel]) for channel in range(3)], axis=-1).astype(np.uint8)
    )


def draw_sheet(path: Path, species: list[int], calls: list[np.ndarray]) -> None:
    """Two columns of labelled spectrograms."""
    width, height, label = 720, 220, 20
    sheet = Image.new("RGB", (2 * (width + 10) + 10, -(-len(calls) // 2) * (height + label + 8) + 8), "white")
    pen = ImageDraw.Draw(sheet)
    for place, (seed, samples) in enumerate(zip(species, calls, strict=True)):
        x, y = 10 + (place % 2) * (width + 10), 4 + (place // 2) * (height + label + 8)
        names = " + ".join(parent.animal for parent in choose_parents(seed))
        pen.text((x, y + 3), f"species {seed}: {names}, {len(samples) / RATE:.0f} s, 0 to 8 kHz", fill="black")
        sheet.paste(spectrogram(samples, width, height), (x, y + label))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--species", type=int, default=12, help="number of species")
    parser.add_argument("--phrases", type=int, default=4, help="phrases of each")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of a call")
    parser.add_argument("--sheet", type=Path, default=Path("out/audio_species.png"), help="where the sheet goes")
    options = parser.parse_args()
    species = list(range(1, options.species + 1))
    calls = [[record(seed, phrase, options.seconds) for phrase in range(options.phrases)] for seed in species]
    table = np.array([features(call) for own in calls for call in own])
    table = (table - table.mean(axis=0)) / (table.std(axis=0) + 1e-9)
    owner = np.repeat(np.arange(len(species)), options.phrases)
    distance = np.sqrt(((table[:, None] - table[None]) ** 2).mean(axis=2))
    pairs = list(itertools.combinations(range(len(table)), 2))
    within = np.mean([distance[a, b] for a, b in pairs if owner[a] == owner[b]])
    between = np.mean([distance[a, b] for a, b in pairs if owner[a] != owner[b]])
    nearest = (distance + np.eye(len(table)) * 1e9).argmin(axis=1)
    print(f"{'species':<44}{'pitch Hz':>9}{'tract cm':>9}{'within':>8}{'to others':>10}")
    for index, seed in enumerate(species):
        tract = derive_voice(seed, choose_parents(seed), 0.5)
        own, others = owner == index, owner != index
        inner = distance[np.ix_(own, own)].sum() / (options.phrases * (options.phrases - 1))
        names = f"{seed} " + "+".join(parent.animal for parent in choose_parents(seed))
        print(
            f"{names:<44}{tract.pitch_hz:>9.0f}{tract.length_cm:>9.1f}{inner:>8.2f}"
            f"{distance[np.ix_(own, others)].mean():>10.2f}"
        )
    print(f"\ndistance within a species {within:.2f}, between species {between:.2f}, ratio {between / within:.2f}")
    print(f"the nearest other call is of the same species: {np.mean(owner[nearest] == owner):.0%}", end=" ")
    print(f"(by chance {(options.phrases - 1) / (len(table) - 1):.0%})")
    draw_sheet(options.sheet, species[:8], [own[0] for own in calls[:8]])
    print(f"spectrograms of eight species: {options.sheet}")


if __name__ == "__main__":
    main()
