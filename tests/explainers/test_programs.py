"""Programs that `torch.export` wrote can be explained, although they cannot be put in evaluation mode."""

import torch
from torch import nn

from siam.explainers import attribute_photo, output


def test_a_program_is_explained_like_the_network_that_it_was_made_of():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    image = torch.rand(1, 3, 64, 64)
    batch = torch.export.Dim("batch")
    program = torch.export.export(network.eval(), (torch.rand(2, 3, 64, 64),), dynamic_shapes=({0: batch},)).module()
    flags = [module.training for module in program.modules()]
    for name in ("occlusion", "integrated_gradients"):
        found, expected = (attribute_photo(each, image, name, output(1)).map for each in (program, network))
        torch.testing.assert_close(found, expected)
    assert [module.training for module in program.modules()] == flags
