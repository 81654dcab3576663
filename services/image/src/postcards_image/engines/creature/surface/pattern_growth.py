"""Patterns that grow on the skin itself: reaction and diffusion over the surface of the body.

An activator spreads a little, an inhibitor twice as far (Turing 1952; in the form of Young 1984): where the activator
wins, a mark grows. Diffusion runs over the edges of the mesh, so that marks follow the body without seams; on a coarser
set of patches where the marks are large.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from postcards_image.engines.creature.geometry.mesh import ALONG, DORSAL, FLOW, LIMB, Indices, Mesh
from postcards_image.engines.creature.geometry.space import Floats, smoothstep, unit
from postcards_species.body.kinds import PatternKind
from postcards_species.body.plan import Pattern

_WAVELENGTH_OVER_SIGMA = 6.5
_ROUNDS = 10


def grow_pattern(mesh: Mesh, pattern: Pattern, cell: float, seed: int) -> Floats:
    """How far each vertex (n,) is inside a mark: above 0 marked, about -1 to 1. `cell` is the mesh's usual edge."""
    rng = np.random.default_rng(seed)
    along, dorsal, limb = mesh.fields[:, ALONG], mesh.fields[:, DORSAL], mesh.fields[:, LIMB]
    match pattern.kind:
        case PatternKind.PLAIN:
            return np.full(len(mesh.position), -1, np.float32)
        case PatternKind.BANDS:
            return _bands(mesh, pattern, rng)
        case PatternKind.SADDLE:
            if pattern.socks > 0.6:
                shoulders = 1 - np.abs(along - 0.93) / 0.2
                return (
                    np.maximum(shoulders, np.clip(14 * limb - 0.9, -1, 1)) + 0.12 * _waves(mesh.position, 7, rng)
                ).astype(np.float32)
            back = (
                dorsal - 0.25 + 0.35 * _waves(mesh.position, 6, rng) - 0.4 * np.clip(np.abs(along - 0.45) - 0.35, 0, 1)
            )
            thin = smoothstep(0.0, 0.12, limb)
            return (back * (1 - thin) - 0.5 * thin).astype(np.float32)
        case PatternKind.STRIPES:
            # Diffusion around a thin limb closes every stripe into a ring.
            rings = np.sin(2 * np.pi * limb / max(0.07, 0.85 * pattern.scale) + 0.9 * _waves(mesh.position, 9, rng))
            rings = rings + 0.3 - pattern.coverage
            thin = smoothstep(0.12, 0.3, limb)
            return (_turing(mesh, pattern, cell, rng) * (1 - thin) + rings * thin).astype(np.float32)
        case _:
            return _turing(mesh, pattern, cell, rng)


def _waves(position: Floats, frequency: float, rng: np.random.Generator) -> Floats:
    """A smooth random field of the body space, about -1 to 1."""
    total = np.zeros(len(position), np.float32)
    for _ in range(5):
        k = unit(rng.normal(0, 1, 3)) * frequency * rng.uniform(0.6, 1.5)
        total += np.sin(position @ k + rng.uniform(0, 2 * np.pi))
    return (total / 2.2).astype(np.float32)


def mottle(mesh: Mesh, frequency: float, seed: int) -> Floats:
    """Uneven tone (n,), about -1 to 1, `frequency` in radians per trunk."""
    return _waves(mesh.position, frequency, np.random.default_rng(seed))


def _bands(mesh: Mesh, pattern: Pattern, rng: np.random.Generator) -> Floats:
    along, limb = mesh.fields[:, ALONG], mesh.fields[:, LIMB]
    place = np.where(limb > 0.08, limb * 1.1 + 0.3, along)
    phase = 2 * np.pi * place / max(pattern.scale, 0.04) + 1.1 * _waves(mesh.position, 5, rng)
    return (np.cos(phase) - np.cos(np.pi * pattern.coverage)).astype(np.float32)


def _turing(mesh: Mesh, pattern: Pattern, cell: float, rng: np.random.Generator) -> Floats:
    scale = pattern.scale * (1.55 if pattern.kind is PatternKind.ROSETTES else 1.0)
    sigma = scale / _WAVELENGTH_OVER_SIGMA
    patch = max(cell * 0.9, sigma / 1.5)
    number, centre = _patches(mesh.position, patch)
    flow = unit(
        np.stack([np.bincount(number, mesh.fields[:, i], len(centre)) for i in range(FLOW.start, FLOW.stop)], 1)
    )
    spread = 0.03 if pattern.kind is PatternKind.STRIPES else 1.0
    weights = _diffusion(mesh.triangles, number, centre, flow, spread)
    hop = _hop(weights, centre)
    near = int(np.clip(round(2.2 * sigma * sigma / max(hop, 1e-9)), 1, 12))
    if pattern.kind is PatternKind.STRIPES:
        near = min(2 * near, 7)
    bias = {PatternKind.SPOTS: 1.15, PatternKind.ROSETTES: 0.95, PatternKind.PATCHES: 0.15}.get(pattern.kind, 0.0)
    state = rng.normal(0, 1, len(centre)).astype(np.float32)
    for _ in range(_ROUNDS):
        activator = _diffuse(weights, state, near, 0.75)
        state = activator - _diffuse(weights, activator, 3 * near, 0.75)
        state = np.tanh(2.2 * state / (state.std() + 1e-6) - bias).astype(np.float32)
    field = _diffuse(weights, state, 1, 0.5)
    threshold = float(np.quantile(field, 1 - min(max(pattern.coverage, 0.02), 0.98)))
    return _smooth_to_vertices(mesh, number, (field - threshold) / (float(field.std()) + 1e-6), patch / cell)


def _hop(weights: csr_array, centre: Floats) -> float:
    """The mean square of the distance that one step of diffusion covers."""
    ends = np.asarray(weights.indices)
    starts = np.repeat(np.arange(len(centre)), np.diff(np.asarray(weights.indptr)))
    return float(((centre[ends] - centre[starts]) ** 2).sum(1).mean())


def _diffuse(weights: csr_array, values: Floats, rounds: int, share: float) -> Floats:
    """`values` (n,) after so many steps in which each takes `share` of its neighbours' mean."""
    step: Any = weights
    for _ in range(rounds):
        values = (1 - share) * values + share * np.asarray(step @ values, np.float32)
    return values


def _patches(position: Floats, size: float) -> tuple[NDArray[np.intp], Floats]:
    """The patch of every vertex, and the middle of every patch."""
    key = np.floor(position / size).astype(np.int64)
    key -= key.min(0)
    span = key.max(0) + 1
    flat = (key[:, 0] * span[1] + key[:, 1]) * span[2] + key[:, 2]
    _, number, count = np.unique(flat, return_inverse=True, return_counts=True)
    centre = np.stack([np.bincount(number, position[:, i]) / count for i in range(3)], 1)
    return number, centre.astype(np.float32)


def _diffusion(triangles: Indices, number: NDArray[np.intp], centre: Floats, flow: Floats, spread: float) -> csr_array:
    """One step of diffusion as a matrix whose rows sum to 1; `spread` under 1 slows it along the flow."""
    a = number[triangles[:, (0, 1, 2)]].ravel()
    b = number[triangles[:, (1, 2, 0)]].ravel()
    keep = a != b
    a, b = a[keep], b[keep]
    pair = np.unique(np.minimum(a, b) * np.int64(len(centre)) + np.maximum(a, b))
    low, high = pair // len(centre), pair % len(centre)
    edge = unit(centre[high] - centre[low])
    lean = ((edge * unit(flow[low] + flow[high])).sum(1)) ** 2
    weight = (spread * lean + (1 - lean)).astype(np.float32)
    rows, columns = np.concatenate((low, high)), np.concatenate((high, low))
    total = np.bincount(rows, np.concatenate((weight, weight)), len(centre))
    values = np.concatenate((weight, weight)) / np.maximum(total[rows], 1e-9)
    return csr_array(coo_array((values.astype(np.float32), (rows, columns)), shape=(len(centre), len(centre))))


def _smooth_to_vertices(mesh: Mesh, number: NDArray[np.intp], field: Floats, coarseness: float) -> Floats:
    """Patch values on the vertices, rounded off where patches are larger than triangles."""
    values = field[number]
    if coarseness < 1.2:
        return values
    a = mesh.triangles.ravel()
    degree = np.maximum(np.bincount(a, minlength=len(values)), 1)
    for _ in range(int(np.clip(round(0.8 * coarseness**2), 1, 9))):
        mean = values[mesh.triangles].mean(1)
        values = (np.bincount(a, np.repeat(mean, 3), len(values)) / degree).astype(np.float32)
    return values
