"""The button “Add a gallery” in the sidebar.

What lies behind it is imported when it is needed: it takes PyTorch, which no page should have to wait for.
"""

import streamlit as st


def settle() -> None:
    """Take in the outcome of a task that has ended."""
    if "task" in st.session_state:
        from ui.add_gallery import tasks

        tasks.current()


def offer() -> None:
    """Show the button and, below it, the progress or outcome of a task; called in the sidebar."""
    st.button(
        "Add a gallery", key="add-gallery", icon=":material/add_photo_alternate:", width="stretch", on_click=open_dialog
    )
    if "task" in st.session_state:
        from ui.add_gallery import dialog

        dialog.progress()


def open_dialog() -> None:
    """Make the next run of the page show the dialog."""
    st.session_state["adding"] = True


def show() -> None:
    """Show the dialog while it is open; called outside the sidebar."""
    if st.session_state.get("adding"):
        from ui.add_gallery import dialog

        dialog.show()
