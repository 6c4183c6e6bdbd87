# SPDX-License-Identifier: Apache-2.0
"""Secrets that the client sends: values kept in this process, written to a file on request.

Source: modules-and-calls.md section 2.3, packages-and-processes.md section 4. Formats as the client
reads them back: AWS and Azure ini, SSH key pair, Lambda `api_key = `, Hugging Face token, GitHub and
Kubernetes YAML, else JSON.
"""

from __future__ import annotations

import json
import os

from .current import Process
from .objects import ResourceEntry, Target

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict, Optional


class Secret:
    """What a secret holds. Its repr shows no value."""

    def __init__(
        self, name: str, provider: Optional[str], values: Any, path: Any, env_vars: Any
    ) -> None:
        self.name = name
        self.provider = provider
        self.values = values
        self.path = path
        self.env_vars = env_vars

    def __repr__(self) -> str:
        return "<Secret %s, provider %s>" % (self.name, self.provider)

    def is_present(self) -> bool:
        return bool(self.values)

    def _write_to_file(
        self, path: Any = None, values: Any = None, overwrite: bool = False, **_: Any
    ) -> None:
        """Write the values to PATH, readable by its owner only; parents are made.

        A file with other content is kept unless OVERWRITE, and an SSH key always, as upstream has
        it.
        """
        target = os.path.join(Process.home, os.path.expanduser(str(path or self.path or "")))
        if not path and not self.path:
            raise ValueError("Secret %s has no path to be written to." % self.name)
        values = self.values if values is None else values
        self.path = str(path or self.path)
        for file, text in _files(self.provider, target, values):
            self._write(file, text, overwrite and self.provider != "ssh")

    def _write(self, file: str, text: str, overwrite: bool) -> None:
        try:
            with open(file, encoding="utf-8") as existing:
                if existing.read() == text or not overwrite:
                    return
        except FileNotFoundError:
            pass
        os.makedirs(os.path.dirname(file), exist_ok=True)
        # Written beside and moved over, so that no reader sees half a secret.
        part = "%s.part-%d" % (file, os.getpid())
        descriptor = os.open(
            part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644 if file.endswith(".pub") else 0o600
        )
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
        os.replace(part, file)


def _files(provider: Optional[str], path: str, values: Any) -> list[tuple[str, str]]:
    """(file, content) for VALUES in the provider's own format. Raises KeyError for a missing value."""
    if isinstance(values, dict):
        if provider == "aws":
            text = "[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n\n"
            return [(path, text % (values["access_key"], values["secret_key"]))]
        if provider == "azure":
            return [(path, "[AzureCloud]\nsubscription = %s\n\n" % values["subscription_id"])]
        if provider == "lambda":
            return [(path, "api_key = %s\n" % values["api_key"])]
        if provider == "huggingface":
            return [(path, values["token"])]
        if provider in ("ssh", "sky") and values.get("private_key"):
            files = [(path, values["private_key"])]
            if values.get("public_key"):
                files.append((path + ".pub", values["public_key"]))
            return files
        if provider in ("github", "kubernetes"):
            return [(path, _yaml({"github.com": values} if provider == "github" else values))]
    if isinstance(values, str):
        return [(path, values)]
    return [(path, json.dumps(values, indent=4))]


def _yaml(values: Any) -> str:
    """VALUES as YAML; as JSON, which is YAML too, where the env has no package for it."""
    try:
        import yaml
    except ImportError:
        return json.dumps(values, indent=4)
    return yaml.dump(values, default_flow_style=False)


class SecretEntry(ResourceEntry):
    """The key of a secret."""

    def __init__(self, config: Dict[str, Any], state: Dict[str, Any]) -> None:
        super().__init__(config)
        self.value = Secret(
            self.key,
            config.get("provider"),
            config.pop("values", None),
            config.get("path"),
            config.get("env_vars"),
        )
        for name, item in state.items():
            setattr(self.value, "values" if name == "_values" else name, item)

    def type_name(self) -> str:
        return "runhouse.resources.secrets.secret.%s" % (
            self.config.get("resource_subtype") or "Secret"
        )

    def find(self, method: str) -> Target:
        if hasattr(self.value, method) and method != "name":
            return super().find(method)
        return self.find_own(method) or self._of_the_package(method) or super().find(method)

    def _of_the_package(self, method: str) -> Optional[Target]:
        """What else the client's own class of secrets does, where the env has it."""
        try:
            from runhouse.resources.resource import Resource
        except ImportError:
            return None
        real = Resource.from_config(self.client_config(), dryrun=True)
        return Target(self, None, real, method, False) if hasattr(real, method) else None

    def client_config(self) -> dict:
        """With the values: the client's object has them, and cannot be made without."""
        made = super().client_config()
        provider = {name: made.pop(name) for name in ("provider", "path", "env_vars") if name in made}
        if self.value.values:
            made["values"] = self.value.values
        return {**made, **provider}

    def client_state(self) -> dict:
        return {}

    def shown(self) -> object:
        return repr(self.value)
