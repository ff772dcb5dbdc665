"""The order finds a word with fewer answers than chance does, and what it says of itself is true."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from siam.gallery.store import read
from siam.labelling import model
from siam.labelling.features import Features, reduced
from siam.runtime.paths import ASSETS
from tests.labelling.made import known


def answer(features, shown, count, *, seen=True, word="hedge", photos=None):
    """What somebody says who answers truly, photo by photo."""
    said: dict[str, str] = {}
    for _turn in range(count):
        name = model.next_photo(word, photos or features.photos, said, features if seen else None)
        said[name] = "present" if shown[name] else "absent"
    return said


def test_every_photo_is_asked_for_once():
    features, shown = known(25)
    said = answer(features, shown, 25)
    assert set(said) == set(features.photos)
    assert model.next_photo("hedge", features.photos, said, features) is None


def test_every_second_photo_is_drawn_and_the_others_are_the_least_certain():
    features, shown = known()
    said: dict[str, str] = {}
    while len(said) < 40:
        name = model.next_photo("hedge", features.photos, said, features)
        left = [of for of in model.drawn_order("hedge", features.photos) if of not in said]
        scores = dict(zip(features.photos, np.abs(model.scores("hedge", said, features)), strict=True))
        if len(said) < 6 or len(said) % 2 == 0:
            assert name == left[0]
        elif len(set(said.values())) == 2:
            assert scores[name] == min(scores[of] for of in left)
        said[name] = "present" if shown[name] else "absent"


def test_the_drawn_order_is_the_same_tomorrow_and_with_more_photos():
    names = [f"{number}.jpg" for number in range(200)]
    order = model.drawn_order("hedge", names)
    assert model.drawn_order("Hedge", reversed(names)) == order and sorted(order) == sorted(names)
    assert [name for name in model.drawn_order("hedge", [*names, "new.jpg"]) if name != "new.jpg"] == list(order)
    assert model.drawn_order("pond", names) != order
    places = [order.index(f"{number}.jpg") for number in range(100)]
    assert 70 < np.mean(places) < 130  # no first half of a folder comes first


def test_an_attribute_of_the_same_name_shows_where_to_look_first():
    features, _shown = known()
    said = dict.fromkeys(model.drawn_order("Old wall", features.photos)[:7], "absent")
    first = model.next_photo("Old wall", features.photos, said, features)
    left = [row for row, name in enumerate(features.photos) if name not in said]
    assert features.photos.index(first) == max(left, key=lambda row: features.presence[row, 0])
    far = model.next_photo("hedge", features.photos, dict.fromkeys(list(features.photos)[:7], "absent"), features)
    rows = [features.photos.index(name) for name in list(features.photos)[:7]]
    distances = np.linalg.norm(features.values[:, None] - features.values[rows], axis=2).min(axis=1)
    assert features.photos.index(far) == distances.argmax()


def test_photos_without_features_come_by_lot_alone():
    features, shown = known(30)
    values = features.values.copy()
    values[:20] = np.nan
    some = Features(features.photos, values, features.presence, features.attributes)
    said = answer(some, shown, 30)
    assert set(said) == set(features.photos)
    assert np.isnan(model.scores("hedge", said, some)).sum() == 20


def test_it_says_nothing_of_too_few():
    features, shown = known()
    for count in range(0, 20, 3):
        said = answer(features, shown, count)
        judged = model.judge("hedge", features.photos, said, features)
        drawn = model.drawn_order("hedge", features.photos)[: judged.drawn]
        of_each = [sum(said[name] == kind for name in drawn) for kind in ("present", "absent")]
        assert all(name in said for name in drawn)
        assert np.isnan(judged.average_precision) == (min(of_each) < model.FEWEST)
        assert (judged.more is None) == np.isnan(judged.half) == np.isnan(judged.average_precision)
        assert judged.answered == count
    assert np.isnan(model.judge("hedge", features.photos, answer(features, shown, 60)).average_precision)


def test_unsure_answers_count_for_nothing():
    features, shown = known()
    said = answer(features, shown, 60)
    unsure = {name: "unsure" for name in features.photos if name not in said}
    some = [name for name in features.photos if name in said]
    assert model.judge("hedge", features.photos, {**said, **unsure}, features).unsure == 60
    first, second = model.scores("hedge", said, features), model.scores("hedge", {**said, **unsure}, features)
    assert first == pytest.approx(second)
    alone = model.judge("hedge", some, said, features)
    assert alone.drawn == 60 and alone.present + alone.absent == 60


def test_the_interval_shrinks_and_more_answers_are_told_by_it():
    features, shown = known(1500)
    judged = [
        model.judge("hedge", features.photos[:count], {name: _kind(shown[name]) for name in features.photos}, features)
        for count in (60, 240, 960)
    ]
    halves = [of.half for of in judged]
    assert halves[0] > halves[1] > halves[2]
    for of in judged:
        assert of.more is not None
        enough = (of.drawn + of.more / 2) * model.WANTED**2
        assert of.more == 0 if of.half <= model.WANTED else enough == pytest.approx(of.drawn * of.half**2, rel=0.05)
        assert of.interval[0] < of.average_precision < of.interval[1] and of.chance < of.average_precision


def _kind(shown):
    return "present" if shown else "absent"


def test_nothing_is_found_where_nothing_can_be():
    features, _shown = known(400)
    random = np.random.default_rng(3)
    shown = dict(zip(features.photos, (random.random(400) < 0.3).tolist(), strict=True))
    judged = model.judge("hedge", features.photos, {name: _kind(of) for name, of in shown.items()}, features)
    assert judged.interval[0] < judged.chance + 0.05 and judged.average_precision < judged.chance + 0.15


@pytest.fixture(scope="module")
def scenes():
    """The bundled rendered landscapes: what the networks saw in them, and what is truly there."""
    gallery = read(ASSETS / "gallery" / "rendered")
    names = tuple(map(str, gallery.photos["identifier"]))
    seen = np.arctanh(gallery.presence.astype(float).clip(0, 0.999))
    features = Features(names, reduced(seen), seen, gallery.about.attributes)
    words = ("road", "metal", "fencing_railing", "rock_stone", "clouds", "wood")
    areas = {
        word: {name: of["areas"].get(word, 0) > 0.01 for name, of in zip(names, gallery.truths, strict=True) if of}
        for word in words
    }
    return features, areas


def test_on_rendered_scenes_fewer_answers_give_the_same_and_the_figure_is_honest(scenes):
    """60 answers in this order give more than 60 in drawn order, on scenes that nobody was asked about."""
    features, areas = scenes
    gains, errors = [], []
    for word, shown in areas.items():
        for seed in range(3):
            names = [features.photos[row] for row in np.random.default_rng(seed).permutation(300)]
            test, pool = names[:100], names[100:]
            rows, truth = [features.photos.index(name) for name in test], np.array([shown[name] for name in test])
            reached = []
            for seen in (True, False):
                said = answer(features, shown, 60, seen=seen, word=f"some {word}", photos=pool)
                found = model.scores(f"some {word}", said, features)[rows]
                reached.append(average_precision_score(truth, found))
            judged = model.judge(f"some {word}", pool, answer(features, shown, 60, word=f"some {word}", photos=pool),
                                 features)  # fmt: skip
            gains.append(reached[0] - reached[1])
            if not np.isnan(judged.average_precision):
                errors.append(judged.average_precision - reached[0])
    assert np.mean(gains) > 0 and len(errors) > 5
    assert abs(np.mean(errors)) < 2 * np.std(errors) / np.sqrt(len(errors)) + 0.05
