# SPDX-License-Identifier: Apache-2.0
# sorted: *.md
dist_doc_DATA = \
	%reldir%/acme.md \
	%reldir%/architecture.md \
	%reldir%/benchmarks.md \
	%reldir%/cli.md \
	%reldir%/compatibility.md \
	%reldir%/den.md \
	%reldir%/envs.md \
	%reldir%/hacking.md \
	%reldir%/http-api.md \
	%reldir%/ipc.md \
	%reldir%/security.md \
	%reldir%/settings.md \
	%reldir%/ssh.md \
	%reldir%/systemd.md \
	%reldir%/tls.md
# sorted: decisions/*.md
EXTRA_DIST += \
	%reldir%/decisions/0001-libmicrohttpd.md \
	%reldir%/decisions/0002-mhd-error-bodies.md \
	%reldir%/decisions/0003-uthash.md \
	%reldir%/decisions/0004-cold-workers.md \
	%reldir%/decisions/0005-rebuild-before-calls.md \
	%reldir%/decisions/0006-501-and-silence.md \
	%reldir%/decisions/0007-control-socket.md \
	%reldir%/decisions/0008-command-guard.md \
	%reldir%/decisions/0009-installs.md \
	%reldir%/decisions/0010-viewers.md \
	%reldir%/decisions/0011-output-of-children.md \
	%reldir%/decisions/0012-command-line.md \
	%reldir%/decisions/0013-tokens-in-sqlite.md \
	%reldir%/decisions/0014-libcurl-on-first-use.md \
	%reldir%/decisions/0015-embedded-den.md \
	%reldir%/decisions/0016-tls-handshakes.md

# sorted: sessions/*.txt
EXTRA_DIST += \
	%reldir%/sessions/ssh.txt

# --- manual and completion, written by the program itself ---------------------------------------

man_MANS = \
	%reldir%/man/gatehouse.1 \
	%reldir%/man/gatehouse.yaml.5 \
	%reldir%/man/gatehoused.8
bashcompletiondir = $(datadir)/bash-completion/completions
nodist_bashcompletion_DATA = %reldir%/completions/gatehouse
CLEANFILES += $(man_MANS) $(nodist_bashcompletion_DATA)

$(man_MANS): gatehouse$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ./gatehouse$(EXEEXT) --print-man $(@F) >$@.new && mv $@.new $@
%reldir%/completions/gatehouse: gatehouse$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ./gatehouse$(EXEEXT) --print-completion >$@.new && mv $@.new $@
