"""Rate photos, and read what their beauty is made of for you."""

import streamlit as st

from siam.errors import SIAMError
from ui import router
from ui.rate import answering, home, looking, tasks, taste
from ui.state.public import message

router.ensure()

st.header("What is beautiful to you?", anchor=False)
st.caption("Rate photos by key or thumb. From 15 on, a SIAM of your own says what their beauty is made of for you.")
row = st.container(horizontal=True, vertical_alignment="center")
with row:
    view = st.segmented_control(
        "View", ["Rate", "Your taste"], default="Rate", required=True, key="rate-view", label_visibility="collapsed"
    )
    what = tasks.what()
task = tasks.choose(what)
if task is None:
    st.stop()
try:
    answers = task.answers()
except SIAMError as error:
    st.error(message(error), icon=":material/error:")
    st.stop()
with row:
    rater = tasks.rater(task, answers)
    if task.configured:
        st.button("Leave the study", on_click=tasks.leave, type="tertiary")
given = tuple(answer for answer in answers.standing if answer.rater == rater)
if not answering.agreed(task, given):
    st.stop()
ordered = task.configured and task.study.order == "chosen" and task.study.mode == "rating"
design = looking.design(task, begin=bool(given) or ordered)
if view == "Your taste":
    if not given:
        st.info("Rate some photos first: it takes 15.", icon=":material/thumbs_up_down:")
    elif design is None:
        looking.state("What your beauty is made of is known once SIAM has looked at the photos.")
    else:
        taste.show(task, rater, answers, design)
        taste.agree(answers)
    home.show(task, rater, answers, design)
elif design is None and ordered:
    looking.state("The study begins once SIAM has looked at the photos: then everybody sees them in one order.")
else:
    answering.show(task, rater)
