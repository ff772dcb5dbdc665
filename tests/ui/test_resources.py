"""What all sessions share is kept by the identity of networks, not by the object that holds them."""

import torch

import siam
from ui.state.resources import identity_of


def test_the_same_weights_are_the_same_networks_and_others_are_not():
    pair, again = siam.load("photo", device="cpu"), siam.load("photo", device="cpu")
    before = identity_of(pair)
    assert identity_of(again) == before
    other = siam.load("photo", device="cpu")
    with torch.no_grad():
        next(other.siam.parameters()).mul_(2)
    assert identity_of(other) != before
    assert identity_of(siam.load("rendered", device="cpu")) != before
