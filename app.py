"""SIAM Explorer: `streamlit run app.py`."""

from ui import router

router.run()
