"""A word of one's own: people say which photos show it, one at a time, and get a table to train networks with."""

import streamlit as st

from ui import router
from ui.label import source, view, words

router.ensure()

st.header("Label photos", anchor=False)
st.caption("Which photos show a word of your own, and how well can a model that learns along find it?")
photos = source.choose()
word = words.ask(photos)
view.turn(photos, word)
view.every_word(photos)
view.take_home(photos)
