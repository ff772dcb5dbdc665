"""A visitor without a browser, which costs the machine next to nothing: it says to the server what a page would say.

The server does the same work as for a browser. What a page shows is not drawn but kept as the messages that describe
it, of Streamlit's protocol.
"""

from contextlib import ExitStack
from typing import Any

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

_XSRF = "_streamlit_xsrf"  # the cookie whose value uploads repeat


class Wire:
    """A session of its own on the server, until it is closed.

    Args:
        address: of the app.
        patience: seconds to wait for each message.
    """

    def __init__(self, address: str, patience: float) -> None:
        self._address, self._patience = address, patience
        self._http = requests.Session()
        self._http.get(f"{address}/_stcore/health", timeout=patience).raise_for_status()
        stream = f"ws{address.removeprefix('http')}/_stcore/stream"
        self._left = ExitStack()
        self._socket = self._left.enter_context(connect(stream, subprotocols=[Subprotocol("streamlit")], max_size=None))
        self._session, self._page, self._pages = "", "", dict[str, str]()
        self._elements: dict[tuple[int, ...], Element] = {}
        self.text = ""  # of all elements, names of files among it

    def close(self) -> None:
        """Leave."""
        self._left.close()
        self._http.close()

    def open(self, page: str = "") -> None:
        """Open a page by its path and wait until its script has ended."""
        self._page = self._pages.get(page, "")
        self._run()

    def click(self, label: str) -> None:
        """Click the first button whose label begins so."""
        button = next(of.button for of in self._of("button") if of.button.label.startswith(label))
        self._run({"id": button.id, "trigger_value": True})

    def labels(self) -> list[str]:
        """Return what is written on the buttons."""
        return [of.button.label for of in self._of("button")]

    def metrics(self) -> list[str]:
        """Return the values of the metrics, from top to bottom."""
        return [of.metric.body for of in self._of("metric")]

    def lines(self) -> list[str]:
        """Return the texts, as Markdown."""
        return [of.markdown.body for of in self._of("markdown")]

    def image(self, alt: str) -> bytes:
        """Return the content of the last picture with an alternative text."""
        urls = [image.url for of in self._of("imgs") for image in of.imgs.imgs if image.alt == alt]
        return self._get(urls[-1]) if urls else b""

    def pictures(self) -> list[str]:
        """Return the alternative texts of the pictures, each of which was fetched."""
        images = [image for of in self._of("imgs") for image in of.imgs.imgs]
        for image in images:
            self._get(image.url)
        return [image.alt for image in images]

    def upload(self, label: str, name: str, content: bytes) -> None:
        """Give a file to the uploader whose label begins so."""
        uploaders = [of.file_uploader for of in self._of("file_uploader")]
        uploader = next(of for of in uploaders if of.label.startswith(label))
        asked = BackMsg()
        asked.file_urls_request.request_id, asked.file_urls_request.session_id = name, self._session
        asked.file_urls_request.file_names.append(name)
        self._socket.send(asked.SerializeToString())
        while not (message := self._receive()).HasField("file_urls_response"):
            pass
        (urls,) = message.file_urls_response.file_urls
        answer = self._http.put(
            self._address + urls.upload_url, files={"file": (name, content)}, timeout=self._patience,
            headers={"X-Xsrftoken": str(self._http.cookies[_XSRF])},
        )  # fmt: skip
        answer.raise_for_status()
        about = {"file_id": urls.file_id, "name": name, "size": len(content), "file_urls": urls}
        self._run({"id": uploader.id, "file_uploader_state_value": {"uploaded_file_info": [about]}})

    def _run(self, *widgets: dict[str, Any]) -> None:
        """Have the page's script run, with what was done to widgets, until the server has nothing more to say."""
        asked = BackMsg()
        asked.rerun_script.page_script_hash = self._page
        for widget in widgets:
            asked.rerun_script.widget_states.widgets.add(**widget)
        self._socket.send(asked.SerializeToString())
        self._elements.clear()
        while True:
            message = self._receive()
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._elements.clear()
                self._session = message.new_session.initialize.session_id
            elif kind == "navigation":
                self._pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
                self._page = message.navigation.page_script_hash
            elif kind == "delta" and message.delta.HasField("new_element"):
                self._elements[tuple(message.metadata.delta_path)] = message.delta.new_element
            elif kind == "delta" and message.delta.HasField("add_block"):
                path = tuple(message.metadata.delta_path)
                for old in [of for of in self._elements if of[: len(path)] == path]:
                    del self._elements[old]
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                break
        self.text = "\n".join(str(of) for of in self._elements.values())

    def _receive(self) -> ForwardMsg:
        received = self._socket.recv(self._patience)
        assert isinstance(received, bytes), received
        return ForwardMsg.FromString(received)

    def _of(self, kind: str) -> list[Element]:
        """Return the elements of a kind, in the page's order."""
        return [of for _path, of in sorted(self._elements.items()) if of.WhichOneof("type") == kind]

    def _get(self, path: str) -> bytes:
        answer = self._http.get(self._address + path, timeout=self._patience)
        answer.raise_for_status()
        return answer.content
