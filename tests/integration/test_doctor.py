# SPDX-License-Identifier: Apache-2.0
"""`gatehouse doctor`: each lack by its line, with the command that mends it."""
from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from . import wheels
from .gatehoused import BUILD
from .ports import free_port
from .test_ports import may_everybody_have
from .tls_kit import Authority

GATEHOUSE = BUILD / "gatehouse"


class Place:
    """A home whose ~/.bashrc gives a login the PATH of one folder; bash and python3 are in it."""

    def __init__(self, folder: Path):
        self.home, self.bin, self.state = folder / "home", folder / "bin", folder / "state"
        self.home.mkdir()
        self.bin.mkdir()
        (self.home / ".bashrc").write_text(f"export PATH={self.bin}\n")
        self.add("python3", "echo 5.9.8")  # as if it imported psutil
        self.add("rsync")
        self.env = {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}

    def add(self, name: str, body: str = ":") -> Path:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def run(self, *args, wrapper=()):
        command = [*wrapper, str(GATEHOUSE), "doctor", "--state-dir", str(self.state), *args]
        return subprocess.run(command, env=self.env, text=True, capture_output=True, timeout=120,
                              stdin=subprocess.DEVNULL)

    def findings(self, *args, **options):
        """(check, text) -> (verdict, fix); the exit status fits the verdicts."""
        done = self.run("--json", *args, **options)
        found = json.loads(done.stdout)
        failed = any(finding["verdict"] == "failed" for finding in found)
        assert done.returncode == (1 if failed else 0), done
        return [(f["check"], f["verdict"], f["text"], f["fix"]) for f in found]

    def of(self, check, *args, **options):
        return [finding[1:] for finding in self.findings(*args, **options) if finding[0] == check]


@pytest.fixture
def place(tmp_path):
    if not os.access("/bin/bash", os.X_OK):
        pytest.skip("no bash")
    return Place(tmp_path)


@pytest.fixture
def venv(tmp_path):
    wheels.venv(tmp_path / "env")
    return tmp_path / "env"


# -- the login ----------------------------------------------------------------------------------------

def test_login_that_has_all_is_well(place):
    subprocess.run([str(GATEHOUSE), "shim", "install", "--dir", str(place.bin)], check=True,
                   env=place.env, capture_output=True)
    verdicts = {check: verdict for check, verdict, *_ in place.findings()}
    for check in ("bash", "bashrc", "quiet login", "python3", "psutil", "rsync", "runhouse", "ray"):
        assert verdicts[check] == "ok", check


def test_missing_rsync_is_named_with_its_fix(place):
    (place.bin / "rsync").unlink()
    assert place.of("rsync") == [("failed", "a login bash finds no rsync",
                                  "apt-get install rsync")]
    done = place.run()
    assert done.returncode == 1
    assert "failed   rsync        a login bash finds no rsync\n" in done.stdout
    lines = done.stdout.splitlines()
    at = lines.index("failed   rsync        a login bash finds no rsync")
    assert lines[at + 1].strip() == "fix: apt-get install rsync"
    assert "checks failed" in done.stderr


def test_python_without_psutil_is_named_with_the_pip_of_that_python(place):
    python = place.add("python3", "exit 1")
    assert place.of("psutil") == [(
        "failed", f"the python3 of a login, {python}, does not import psutil: the client asks it for "
        "the free space before it sends files", f"{python} -m pip install psutil")]


def test_missing_python_and_bashrc_are_named(place):
    (place.bin / "python3").unlink()
    assert place.of("python3") == [("failed", "a login bash finds no python3",
                                    "apt-get install python3")]
    assert place.of("psutil") == []  # there is nothing to say of it
    (place.home / ".bashrc").unlink()
    assert place.of("bashrc") == [("failed", "a login bash finds no ~/.bashrc that can be read",
                                   "touch ~/.bashrc")]


def test_chatty_start_up_files_are_named(place):
    with open(place.home / ".bashrc", "a") as file:
        file.write("echo Welcome to this node\n")
    [(verdict, text, fix)] = place.of("quiet login")
    assert verdict == "warning" and "'Welcome to this node'" in text
    assert fix.startswith("bash --login -i -x")


def test_foreign_shims_are_named(place):
    place.add("runhouse")
    [(verdict, text, fix)] = place.of("runhouse")
    assert (verdict, fix) == ("warning", "gatehouse shim install")
    assert "not ours" in text


# -- the node -----------------------------------------------------------------------------------------

def test_port_is_free_ours_or_taken(place, start_daemon):
    port = free_port()
    assert place.of("port", "--port", str(port)) == [("ok", f"{port} is free", None)]
    with socket.socket() as other:
        other.bind(("0.0.0.0", port))
        other.listen()
        [(verdict, text, fix)] = place.of("port", "--port", str(port))
        assert verdict == "failed" and f"{port} is taken by " in text and f"(pid {os.getpid()})" in text
        assert fix == f"ss -ltnp 'sport = :{port}'"
    daemon = start_daemon()
    place.state = daemon.folder / "state"
    [(verdict, text, _)] = place.of("port", "--port", str(daemon.port))
    assert verdict == "ok" and f"{daemon.port} is our daemon's" in text


def test_every_address_is_tried(place, tmp_path):
    main, free, taken, twice = (free_port() for _ in range(4))
    place.env["GATEHOUSE_LISTEN"] = (
        f"127.0.0.1:{free}/https,127.0.0.1:{taken}/redirect,0.0.0.0:{twice},[::]:{twice},192.0.2.1:{free},"
        f"unix:{tmp_path}/free.sock,unix:{tmp_path}/taken.sock,unix:{tmp_path}/file,unix:{tmp_path}/no/x.sock")
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", taken)), socket.socket(socket.AF_UNIX) as other:
        other.bind(f"{tmp_path}/taken.sock")
        other.listen()
        found = place.of("port", "--port", str(main))
    texts = [text for _, text, _ in found]
    assert [verdict for verdict, *_ in found] == ["ok", "ok", "failed", "ok", "failed", "failed", "ok", *["failed"] * 3]
    assert texts[:2] == [f"{main} is free", f"127.0.0.1:{free}/https is free"]
    assert f"127.0.0.1:{taken}/redirect is taken by " in texts[2] and f"(pid {os.getpid()})" in texts[2]
    assert found[2][2] == f"ss -ltnp 'sport = :{taken}'"
    assert f"[::]:{twice} is named twice" in texts[4]
    assert "192.0.2.1" in texts[5] and "Cannot assign requested address" in texts[5]
    assert found[5][2] == "ip -brief address"
    assert texts[6] == f"unix:{tmp_path}/free.sock is free"
    assert "is served by another program" in texts[7]
    assert "what is there is no socket" in texts[8]
    assert f"{tmp_path}/no: No such file or directory" in texts[9]
    assert not (tmp_path / "free.sock").exists() and (tmp_path / "taken.sock").exists()


def test_what_is_no_address_is_named(place):
    place.env["GATEHOUSE_LISTEN"] = "::1:80"
    [(verdict, text, _)] = [found for found in place.of("settings") if "listen" in found[1]]
    assert verdict == "failed" and "'::1:80' has no address and port" in text


def test_addresses_of_a_running_daemon_are_its_own(place, start_daemon, tmp_path):
    port = free_port()
    place.env["GATEHOUSE_LISTEN"] = f"127.0.0.1:{port},unix:{tmp_path}/x.sock"
    daemon = start_daemon(args=["--listen", place.env["GATEHOUSE_LISTEN"]])
    place.state = daemon.folder / "state"
    found = place.of("port", "--port", str(daemon.port))
    assert [verdict for verdict, *_ in found] == ["ok"] * 3
    assert found[1][1] == f"127.0.0.1:{port} is our daemon's"
    assert found[2][1] == f"unix:{tmp_path}/x.sock is served"


def test_a_port_of_another_user_is_named_by_that_user(place):
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root and setpriv")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]
        place.home.parent.chmod(0o755)
        [(verdict, text, fix)] = place.of("port", "--port", str(port), wrapper=wrapper)
    assert (verdict, fix) == ("failed", f"ss -ltnp 'sport = :{port}'")
    assert text == f"{port} is taken by another program of user root; end it, or take another port"


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv") or may_everybody_have(80),
                    reason="needs root, setpriv, and a system that keeps ports below 1024 for root")
def test_a_port_that_needs_a_right_is_named(place):
    """And port 80 beside 443, which the daemon can do without."""
    place.env["GATEHOUSE_USE_HTTPS"] = "1"
    without = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"]
    found = place.of("port", "--port", "443", wrapper=without)
    assert [verdict for verdict, *_ in found] == ["failed", "warning"]
    for (_, text, fix), where in zip(found, ["443", "127.0.0.1:80/redirect"]):
        assert text.startswith(f"{where} needs a right that this user lacks") and "CAP_NET_BIND_SERVICE" in text
        assert fix == 'sudo setcap cap_net_bind_service=ep "$(command -v gatehoused)"'


# -- certificates and names -----------------------------------------------------------------------------


def given(place, chain, key=None, **more):
    place.env.update({"GATEHOUSE_USE_HTTPS": "1", "GATEHOUSE_SSL_CERTFILE": str(chain), **more})
    if key:
        place.env["GATEHOUSE_SSL_KEYFILE"] = str(key)
    return place.of("certificate", "--port", str(free_port()))


def test_certificates_that_are_made_here_are_well(place):
    assert place.of("certificate") == [("ok", "none is needed, no address speaks HTTPS", None)]
    place.env["GATEHOUSE_USE_HTTPS"] = "1"
    assert place.of("certificate") == [("ok", "the daemon makes its own (docs/tls.md)", None)]
    place.env["GATEHOUSE_DOMAIN"] = "localhost"
    assert place.of("certificate") == [("ok", "the daemon gets its own, by ACME (docs/acme.md)", None)]


def test_a_good_certificate_is_told_with_its_names(place, tmp_path):
    leaf = Authority.make("leaf", ["a.example", "b.example", "c.example", "d.example"], days=80)
    [(verdict, text, _)] = given(place, *leaf.write(tmp_path))
    assert verdict == "ok" and text.startswith(f"{tmp_path}/server.crt is good until ")
    assert text.endswith("for a.example, b.example, c.example and 1 more")


@pytest.mark.parametrize("days, since, verdict, words", [
    (-1, 3, "failed", "is expired"), (9, -3, "failed", "is not valid yet"), (9, 3, "warning", "is good until")])
def test_dates_that_are_wrong_are_named(place, tmp_path, days, since, verdict, words):
    chain, key = Authority.make("leaf", ["a.example"], days=days, since=since).write(tmp_path)
    [(found, text, fix)] = given(place, chain, key)
    assert found == verdict and f"{chain} {words}" in text
    assert fix == f"openssl x509 -noout -subject -dates -ext subjectAltName -in {chain}"
    assert subprocess.run(fix, shell=True, capture_output=True).returncode == 0


def test_files_that_do_not_serve_are_named(place, tmp_path):
    chain, key = Authority.make("leaf", ["a.example"], days=80).write(tmp_path)
    other = tmp_path / "other.key"
    other.touch(0o600)
    other.write_bytes(Authority.make("leaf").key_pem)
    for name in (chain, key):
        shutil.copy(name, str(name) + ".open")
        Path(str(name) + ".open").chmod(0o644)
    cases = [(chain, other, "the key does not belong to the certificate", "openssl x509"),
             (chain, f"{key}.open", "is a key that others on this machine can read", f"chmod 600 {key}.open"),
             (chain, None, "ssl_keyfile is missing: there is no private key in", "openssl x509"),
             (tmp_path / "none", key, "none: No such file", f"ls -l {tmp_path}/none {key}"),
             (f"{chain},{chain}", key, "2 files and ssl_keyfile 1", None)]
    for chain_path, key_path, words, fix in cases:
        place.env.pop("GATEHOUSE_SSL_KEYFILE", None)
        [(verdict, text, found)] = given(place, chain_path, key_path)
        assert verdict == "failed" and words in text, text
        assert found == fix or found.startswith(fix), found
    both = given(place, f"{chain},{chain}", f"{other},{key}")
    assert [verdict for verdict, *_ in both] == ["failed", "ok"]  # each is looked at


def test_the_clients_upload_is_left_to_the_daemon(place):
    chain, key = Authority.like_the_clients(["a.example"]).write(place.home / "certs", "rh_server")
    key.chmod(0o644)
    assert given(place, chain, key)[0][0] == "ok"
    assert key.stat().st_mode & 0o777 == 0o644  # nothing is changed


def test_names_that_no_certificate_is_for_are_named(place, tmp_path):
    leaf = Authority.make("leaf", ["*.example", "localhost"], days=80)
    found = given(place, *leaf.write(tmp_path), GATEHOUSE_DOMAIN="localhost,A.Example,b.other")
    assert [(verdict, text) for verdict, text, _ in found[1:]] == [
        ("warning", "no certificate of ssl_certfile is for b.other, which domain names")]


def test_authorities_of_clients_are_looked_at(place, tmp_path):
    ca = tmp_path / "ca.pem"
    place.env["GATEHOUSE_CLIENT_CA"] = str(ca)
    assert place.of("client_ca") == [("failed", f"{ca}: No such file or directory", f"ls -l {ca}")]
    ca.write_text("x")
    assert place.of("client_ca")[0][:2] == ("failed", f"{ca} holds no certificate: PEM is needed")
    ca.write_bytes(Authority.make("ca", is_ca=True).pem)
    assert place.of("client_ca") == [("ok", f"{ca} can be read", None)]


def test_names_that_lead_elsewhere_are_named(place):
    place.env["PATH"] = f"{place.bin}:/usr/bin:/bin"
    place.add("getent", 'case $2 in here.example) echo "192.0.2.7 STREAM x"; echo "127.0.0.1 STREAM";;'
              ' away.example) echo "192.0.2.7 STREAM away.example"; echo "192.0.2.7 DGRAM";; *) exit 2;; esac')
    place.env["GATEHOUSE_DOMAIN"] = "here.example,away.example,gone.example,*.many.example"
    assert place.of("domain") == [
        ("ok", "here.example leads here, to 127.0.0.1", None),
        ("warning", "away.example leads to 192.0.2.7, which is no address of this machine; where addresses are "
         "translated on the way, name it in certs_address", "getent ahosts away.example"),
        ("failed", "gone.example has no address: neither clients nor an authority find this node by it",
         "getent ahosts gone.example")]
    place.env["GATEHOUSE_CERTS_ADDRESS"] = "192.0.2.7"
    assert place.of("domain")[1][:2] == ("ok", "away.example leads here, to 192.0.2.7")


def test_a_name_server_that_does_not_answer_holds_nothing_up(place):
    place.env["PATH"] = f"{place.bin}:/usr/bin:/bin"
    place.add("getent", "sleep 600")
    place.env["GATEHOUSE_DOMAIN"] = "slow.example"
    assert place.of("domain")[0][0] == "failed"


# -- the state folder and the rest -------------------------------------------------------------------


def test_state_folder_that_cannot_be_is_named(place):
    assert place.of("state folder") == [("ok", f"{place.state} can be made", None)]
    place.state.write_text("a file")
    [(verdict, text, _)] = place.of("state folder")
    assert verdict == "failed" and f"{place.state} is no folder" in text
    assert not place.state.is_dir()


def test_small_limits_are_named(place):
    [(verdict, text, fix)] = place.of("open files",
                                      wrapper=["sh", "-c", 'ulimit -n 500; exec "$@"', "sh"])
    assert verdict == "warning" and "500 open files" in text and "limits.d" in fix


def test_missing_git_is_named(place):
    place.env["PATH"] = str(place.bin)
    [(verdict, text, fix)] = place.of("git")
    assert (verdict, fix) == ("warning", "apt-get install git")


def test_active_firewall_is_named(place):
    place.env["PATH"] = f"{place.bin}:/usr/bin:/bin"
    place.add("ufw", "echo 'Status: active'; echo '22/tcp ALLOW Anywhere'")
    [(verdict, text, fix)] = place.of("firewall", "--port", "32301")
    assert (verdict, fix) == ("warning", "sudo ufw allow 32301/tcp")
    place.add("ufw", "echo 'Status: active'; echo '32301/tcp ALLOW Anywhere'")
    assert place.of("firewall", "--port", "32301")[0][0] == "ok"


def test_each_open_port_is_asked_of_the_firewall(place):
    place.env["PATH"] = f"{place.bin}:/usr/bin:/bin"
    place.env["GATEHOUSE_LISTEN"] = "0.0.0.0:8443/https,127.0.0.1:8444,[::]:8080,unix:/run/x.sock"
    place.add("ufw", "echo 'Status: active'; echo '32301/tcp ALLOW Anywhere'; echo '8443 ALLOW Anywhere'")
    assert place.of("firewall", "--port", "32301") == [
        ("ok", "ufw lets others reach port 32301", None), ("ok", "ufw lets others reach port 8443", None),
        ("warning", "ufw keeps others from port 8080", "sudo ufw allow 8080/tcp")]


RULES = """\
table ip6 other {
\tchain forward {
\t\ttype filter hook forward priority filter; policy drop;
\t}
}
table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy POLICY;
\t\ttcp dport { 22, 8443 } accept
\t\tip saddr 10.0.80.1 tcp dport 18080 accept
\t}
}
"""


def test_nftables_that_drops_is_named(place):
    place.env["PATH"] = f"{place.bin}:/usr/bin:/bin"
    place.env["GATEHOUSE_LISTEN"] = "0.0.0.0:8443/https,[::]:8080"
    place.add("ufw", "exit 1")
    for policy, found in [("accept", [("ok", "no rule in the way was found", None)]), ("drop", [
            ("warning", "nftables drops what it does not know (inet filter input), and has no rule for port 32301; "
             "no matter when clients come by ssh", "sudo nft insert rule inet filter input tcp dport 32301 accept"),
            ("warning", "nftables drops what it does not know (inet filter input), and has no rule for port 8080",
             "sudo nft insert rule inet filter input tcp dport 8080 accept")])]:
        (place.bin / "rules").write_text(RULES.replace("POLICY", policy))
        place.add("nft", f"cat {place.bin}/rules")
        assert place.of("firewall", "--port", "32301") == found


def test_wrong_usage_is_told(place):
    done = place.run("more")
    assert done.returncode == 2 and "more" in done.stderr and done.stdout == ""
    [(verdict, text, _)] = place.of("settings", "--port", "none")
    assert verdict == "failed" and "port" in text and "none" in text


def test_another_node_is_refused(place):
    done = subprocess.run([str(GATEHOUSE), "doctor", "--url", "http://127.0.0.1:9"], env=place.env,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and done.stdout == ""
    assert "--url: doctor looks at the machine that it runs on" in done.stderr


# -- envs ---------------------------------------------------------------------------------------------

def test_env_is_shown_with_all_it_has(place, venv):
    found = place.findings("--env", str(venv))
    texts = {check: text for check, _, text, _ in found}
    version = "%d.%d.%d" % sys.version_info[:3]
    assert texts["interpreter"] == f"default env: {venv}/bin/python, CPython {version}"
    assert texts["libpython"].startswith("default env: ")
    assert "pip" in texts["installers"]
    site = next(venv.glob("lib/python3*/site-packages"))
    assert texts["packages"].startswith(f"default env: {site}, ")


def test_venv_whose_base_is_gone_is_named(place, venv):
    for link in venv.glob("bin/python*"):
        link.unlink()
    (venv / "bin" / "python").symlink_to("/opt/gone/bin/python3.11")
    assert place.of("base python", "--env", str(venv)) == [(
        "failed", f"default env: {venv}/bin/python leads to /opt/gone/bin/python3.11, which is gone: the "
        "Python that it was made from was removed or upgraded", f"python3 -m venv --clear {venv}")]
    assert place.of("interpreter", "--env", str(venv)) == []


def test_interpreter_of_another_machine_is_named(place, venv):
    python = venv / "bin" / "python"
    head = bytearray(Path(os.path.realpath(python)).read_bytes()[:4096])
    head[18] = 183 if head[18] != 183 else 62  # e_machine: AArch64, or x86-64
    python.unlink()
    python.write_bytes(head)
    python.chmod(0o755)
    [(verdict, text, fix)] = place.of("machine", "--env", str(venv))
    assert (verdict, fix) == ("failed", f"python3 -m venv --clear {venv}")
    assert "built for another kind of machine" in text


def test_interpreter_without_pip_venv_and_uv_is_named(place, tmp_path):
    wheels.bare_venv(tmp_path / "bare")
    assert place.of("installers", "--env", str(tmp_path / "bare"))[0][0] == "ok"  # by ensurepip
    site = next((tmp_path / "bare" / "lib").glob("python3*/site-packages"))
    (site / "hide.pth").write_text("import sys; sys.modules['ensurepip'] = None\n")
    version = "%d.%d" % sys.version_info[:2]
    assert place.of("installers", "--env", str(tmp_path / "bare")) == [(
        "failed", "default env: no pip, no uv, and no ensurepip to get pip by: nothing can be installed",
        f"apt-get install python{version}-venv")]


def test_env_that_cannot_be_written_to_is_named(place, venv):
    site = next(venv.glob("lib/python3*/site-packages"))
    script = f"mount --bind {site} {site} && mount -o remount,ro,bind {site} && exec \"$@\""
    wrapper = ["unshare", "-m", "sh", "-c", script, "sh"]
    if subprocess.run([*wrapper, "true"], capture_output=True).returncode != 0:
        pytest.skip("unshare -m and mount are refused")
    assert place.of("packages", "--env", str(venv), wrapper=wrapper) == [(
        "failed", f"default env: {site} cannot be written to by this user",
        f'sudo chown -R "$(id -un)" {site}')]


def test_leftovers_of_pip_are_named(place, venv):
    site = next(venv.glob("lib/python3*/site-packages"))
    (site / "~iny").mkdir()
    [(verdict, text, _)] = place.of("packages", "--env", str(venv))
    assert verdict == "warning" and "begin with '~'" in text


@pytest.mark.parametrize("said, words", [
    ("implementation=pypy free_threaded=0 version=3.10.0", "is pypy (Python 3.10.0)"),
    ("implementation=cpython free_threaded=0 version=3.8.1", "needs 3.9 or later"),
    ("implementation=cpython free_threaded=1 version=3.13.0", "free-threaded"),
    ("", "does not work as a Python interpreter"),
])
def test_interpreter_that_does_not_suit_is_named(place, said, words):
    python = place.add("strange", "".join(
        f"echo gatehouse-probe:{part}\n" for part in [*said.split(), "library=", "executable=/x"]
        if said))
    [(verdict, text, fix)] = place.of("interpreter", "--env", str(python))
    assert verdict == "failed" and words in text and "venv --clear" in fix


def test_managed_python_is_told_apart(place):
    marker = next(iter(Path("/usr/lib").glob("python3*/EXTERNALLY-MANAGED")), None)
    if marker is None:
        pytest.skip("/usr/bin/python3 is not managed by the system")
    [(verdict, text, _)] = place.of("managed")
    assert verdict == "ok" and "the first install makes a venv in" in text
    [(verdict, text, fix)] = place.of("managed", "--env", "/usr/bin/python3")
    assert verdict == "warning" and "cannot be installed into it" in text
    assert fix == "/usr/bin/python3 -m venv --system-site-packages ~/env"


def test_envs_of_a_running_daemon_are_looked_at(place, start_daemon, venv, tmp_path):
    daemon = start_daemon()
    wheels.venv(tmp_path / "broken")
    for name, folder in (("good", venv), ("bad", tmp_path / "broken")):
        answer = daemon.post("/create_process", {"name": name, "runtime_env": {"venv": str(folder)}})
        assert answer.status == 200, answer
    shutil.rmtree(tmp_path / "broken" / "bin")
    place.state = daemon.folder / "state"
    found = place.of("interpreter", "--port", str(daemon.port), "--env", sys.executable)
    texts = [text for _, text, _ in found]
    assert any(text.startswith(f"process good env: {venv}/bin/python") for text in texts)
    assert any(text.startswith("process bad env: ") and f"{tmp_path}/broken" in text for text in texts)
    assert len([text for text in texts if f"{venv}/" in text]) == 1


def test_venvs_of_our_own_are_looked_at(place):
    wheels.venv(place.state / "envs" / "ml")
    texts = [text for _, text, _ in place.of("interpreter")]
    assert any(text.startswith(f"own ml env: {place.state}/envs/ml/bin/python") for text in texts)


def test_declared_envs_are_looked_at(place, venv, tmp_path):
    wheels.venv(place.state / "envs" / "made")
    config = tmp_path / "gatehouse.yaml"
    config.write_text(f"""\
port: {free_port()}
envs:
  there: {{venv: {venv}}}
  gone: {{venv: {tmp_path}/gone}}
  nobody: {{conda: nobody}}
  made: {{python: "3.11"}}
  later: {{python: "3.11"}}
""")
    texts = [text for _, text, _ in place.of("interpreter", "--config", str(config))]

    def of(name):
        [text] = [t for t in texts if t.startswith(f"declared {name} env: ")]
        return text

    assert f"{venv}/bin/python, CPython" in of("there")
    assert f"there is no folder {tmp_path}/gone" in of("gone")
    assert "There is no conda env 'nobody'" in of("nobody")
    assert f"{place.state}/envs/made/bin/python" in of("made")
    assert "none yet, the daemon makes it in" in of("later")
    assert not [text for text in texts if text.startswith("own made")]  # each is looked at once


def test_configuration_that_is_wrong_is_named(place, tmp_path):
    assert place.of("settings") == [("ok", "there is no configuration file, and none is needed", None)]
    config = tmp_path / "gatehouse.yaml"
    config.write_text("portt: 1\n")
    [(verdict, text, fix)] = place.of("settings", "--config", str(config))
    assert (verdict, fix) == ("failed", "gatehouse config check")
    assert f"{config}:1:1" in text and "portt" in text
    place.env["GATEHOUSE_PORT"] = str(free_port())
    assert place.of("port")[0][1] == f"{place.env['GATEHOUSE_PORT']} is free"


def test_nothing_is_changed(place, venv):
    def everything():
        return sorted((str(p), p.lstat().st_mtime_ns) for root in (place.home, place.bin, venv)
                      for p in root.rglob("*") if "__pycache__" not in str(p))
    before = everything()
    place.run("--env", str(venv))
    assert everything() == before
    assert not place.state.exists()
