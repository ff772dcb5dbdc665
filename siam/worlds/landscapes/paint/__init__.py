"""How a landscape is painted: canvas and camera, pen, light, noise, textures."""
