"""Surfaces as triangles: points, normals and surface coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

POT, BAND, SOIL, STEM, LEAF, PETAL, CENTRE = range(7)  # materials


@dataclass(frozen=True)
class Mesh:
    """Triangles in space: x and z along the table, y up.

    Attributes:
        points: (V, 3) positions.
        normals: (V, 3) unit vectors.
        surface: (V, 3) place on the surface (along 0 to 1, across -1 to 1), and the shade of the piece, about 1.
        triangles: (F, 3) indices of points.
        material: (F,) material numbers, as above, uint8.
    """

    points: np.ndarray
    normals: np.ndarray
    surface: np.ndarray
    triangles: np.ndarray
    material: np.ndarray


def sheets(points: np.ndarray, material: int, *, closed: bool = False, shade: np.ndarray | None = None) -> Mesh:
    """Return the mesh of B curved sheets.

    Args:
        points: (B, R, C, 3), R points along and C across; normals are along × across.
        material: material of all triangles.
        closed: whether the last point across is the first one again, as around a tube.
        shade: (B,) shades of the sheets; by default 1.
    """
    pieces, rows, columns = points.shape[:3]
    along = np.gradient(points, axis=1)
    if closed:
        around = np.concatenate([points[:, :, -2:-1], points, points[:, :, 1:2]], axis=2)
        across = (around[:, :, 2:] - around[:, :, :-2]) / 2
    else:
        across = np.gradient(points, axis=2)
    normals = np.cross(along, across)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    surface = np.empty((pieces, rows, columns, 3))
    surface[..., 0] = np.linspace(0, 1, rows)[:, None]
    surface[..., 1] = np.linspace(-1, 1, columns)
    surface[..., 2] = 1.0 if shade is None else shade[:, None, None]
    corner = (np.arange(pieces)[:, None, None] * rows + np.arange(rows - 1)[:, None]) * columns + np.arange(columns - 1)
    first = corner.ravel()
    triangles = np.concatenate(
        [
            np.stack([first, first + 1, first + columns + 1], axis=1),
            np.stack([first, first + columns + 1, first + columns], axis=1),
        ]
    )
    kinds = np.full(len(triangles), material, dtype=np.uint8)
    return Mesh(points.reshape(-1, 3), normals.reshape(-1, 3), surface.reshape(-1, 3), triangles, kinds)


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Join several meshes into one."""
    starts = np.cumsum([0, *(len(mesh.points) for mesh in meshes)])
    return Mesh(
        np.concatenate([mesh.points for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.surface for mesh in meshes]),
        np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=False)]),
        np.concatenate([mesh.material for mesh in meshes]),
    )


def turned(radii: np.ndarray, heights: np.ndarray, material: int, columns: int = 49) -> Mesh:
    """Return the surface of revolution of a profile (R,) of radii and heights around the y axis."""
    angles = np.linspace(0, 2 * np.pi, columns)
    points = np.empty((1, len(radii), columns, 3))
    points[..., 0] = radii[:, None] * np.cos(angles)
    points[..., 1] = heights[:, None]
    points[..., 2] = radii[:, None] * np.sin(angles)
    return sheets(points, material, closed=True)
