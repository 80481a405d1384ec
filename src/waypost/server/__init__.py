"""The server: PutEvents of EventBridge, the operator's calls, health and metrics over HTTP."""

from waypost.server.app import App as App
from waypost.server.protocol import Bounds as Bounds
from waypost.server.services import Services as Services
from waypost.server.serving import Server as Server
