# SPDX-License-Identifier: Apache-2.0
# Runtimes are loaded by gatehouse-worker with dlopen and export one symbol. They and all they link
# see libc only.
runtime_ldflags = $(AM_LDFLAGS) -module -avoid-version -shared

# Reading and writing frames in a worker, in threads: knows nothing of Python. Unit tests link it too.
noinst_LTLIBRARIES += libgh_worker.la
# sorted: python/*.c python/*.h runtime.h except python/embed* python/ext* python/find* python/probe*
libgh_worker_la_SOURCES = \
	%reldir%/python/baton.c \
	%reldir%/python/baton.h \
	%reldir%/python/inbox.c \
	%reldir%/python/inbox.h \
	%reldir%/python/literal.c \
	%reldir%/python/literal.h \
	%reldir%/python/literal_base64.c \
	%reldir%/python/outbox.c \
	%reldir%/python/outbox.h \
	%reldir%/python/parts.c \
	%reldir%/python/parts.h \
	%reldir%/runtime.h

# How an interpreter is found.
noinst_LTLIBRARIES += libgh_find.la
# sorted: python/find* python/probe*
libgh_find_la_SOURCES = \
	%reldir%/python/find.c \
	%reldir%/python/find.h \
	%reldir%/python/probe.c \
	%reldir%/python/probe.h

# Finds and loads libpython; has no symbol of Python's, so that it loads before it.
modules_LTLIBRARIES += modules/python.la
# sorted: python/embed*
modules_python_la_SOURCES = \
	%reldir%/python/embed.c
modules_python_la_CFLAGS = $(AM_CFLAGS) -fvisibility=default
modules_python_la_LDFLAGS = $(runtime_ldflags) $(GH_NO_UNDEFINED) -export-symbols-regex '^gh_runtime_v1$$'
modules_python_la_LIBADD = libgh_find.la libgh_plain.la $(DL_LIBS)

# One extension for CPython 3.9 and later; its Py symbols bind when it is loaded.
modules_LTLIBRARIES += modules/_gatehouse.abi3.la
# sorted: python/ext*
modules__gatehouse_abi3_la_SOURCES = \
	%reldir%/python/ext.c \
	%reldir%/python/ext.h \
	%reldir%/python/ext_body.c \
	%reldir%/python/ext_call.c \
	%reldir%/python/ext_codec.c \
	%reldir%/python/ext_late.c \
	%reldir%/python/ext_map.c \
	%reldir%/python/ext_name.c \
	%reldir%/python/ext_send.c \
	%reldir%/python/ext_serve.c \
	%reldir%/python/ext_trim.c
modules__gatehouse_abi3_la_CPPFLAGS = $(PYTHON_CPPFLAGS) $(AM_CPPFLAGS)
modules__gatehouse_abi3_la_LDFLAGS = $(runtime_ldflags) -export-symbols-regex '^PyInit__gatehouse$$'
modules__gatehouse_abi3_la_LIBADD = libgh_worker.la libgh_plain.la

# Answers its input: for tests and benchmarks of the frames.
modules_LTLIBRARIES += modules/echo.la
# sorted: echo/*.c echo/*.h
modules_echo_la_SOURCES = \
	%reldir%/echo/echo.c
modules_echo_la_CFLAGS = $(AM_CFLAGS) -fvisibility=default
modules_echo_la_LDFLAGS = $(runtime_ldflags) $(GH_NO_UNDEFINED) -export-symbols-regex '^gh_runtime_v1$$'
modules_echo_la_LIBADD = libgh_worker.la libgh_plain.la

gatehousepydir = $(modulesdir)/gatehouse
# sorted: python/gatehouse/*.py
dist_gatehousepy_DATA = \
	%reldir%/python/gatehouse/__init__.py \
	%reldir%/python/gatehouse/apps.py \
	%reldir%/python/gatehouse/asgi.py \
	%reldir%/python/gatehouse/asyncrun.py \
	%reldir%/python/gatehouse/calls.py \
	%reldir%/python/gatehouse/cast.py \
	%reldir%/python/gatehouse/children.py \
	%reldir%/python/gatehouse/conda.py \
	%reldir%/python/gatehouse/current.py \
	%reldir%/python/gatehouse/daemon.py \
	%reldir%/python/gatehouse/env.py \
	%reldir%/python/gatehouse/errors.py \
	%reldir%/python/gatehouse/expiry.py \
	%reldir%/python/gatehouse/files.py \
	%reldir%/python/gatehouse/handles.py \
	%reldir%/python/gatehouse/hints.py \
	%reldir%/python/gatehouse/hooks.py \
	%reldir%/python/gatehouse/inherit.py \
	%reldir%/python/gatehouse/jsonable.py \
	%reldir%/python/gatehouse/lazy.py \
	%reldir%/python/gatehouse/light.py \
	%reldir%/python/gatehouse/lightbase.py \
	%reldir%/python/gatehouse/lightnode.py \
	%reldir%/python/gatehouse/modules.py \
	%reldir%/python/gatehouse/nested.py \
	%reldir%/python/gatehouse/objects.py \
	%reldir%/python/gatehouse/openapi.py \
	%reldir%/python/gatehouse/openapi_common.py \
	%reldir%/python/gatehouse/pydantic_schemas.py \
	%reldir%/python/gatehouse/redirect.py \
	%reldir%/python/gatehouse/results.py \
	%reldir%/python/gatehouse/schemas.py \
	%reldir%/python/gatehouse/sdk.py \
	%reldir%/python/gatehouse/secret.py \
	%reldir%/python/gatehouse/serialize.py \
	%reldir%/python/gatehouse/serve.py \
	%reldir%/python/gatehouse/shell.py \
	%reldir%/python/gatehouse/shim.py \
	%reldir%/python/gatehouse/signatures.py \
	%reldir%/python/gatehouse/store.py \
	%reldir%/python/gatehouse/streams.py \
	%reldir%/python/gatehouse/worker.py \
	%reldir%/python/gatehouse/wsgi.py

built_links += \
	modules/_gatehouse.abi3.so \
	modules/echo.so \
	modules/gatehouse \
	modules/python.so

modules/_gatehouse.abi3.so modules/echo.so modules/python.so: modules/%.so: modules/%.la
	$(AM_V_at)rm -f $@ && $(LN_S) .libs/$*.so $@
modules/gatehouse: modules/python.la
	$(AM_V_at)rm -f $@ && $(LN_S) '$(abs_top_srcdir)/modules/python/gatehouse' $@
