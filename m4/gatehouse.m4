# SPDX-License-Identifier: Apache-2.0
# What configure.ac asks for, one macro each.

# GH_TRY_FLAGS(VARIABLE, FLAGS): append those of FLAGS that compiler and linker take.
AC_DEFUN([GH_TRY_FLAGS], [
    gh_save_CFLAGS=$CFLAGS
    for gh_flag in m4_normalize([$2]); do
        CFLAGS="$gh_save_CFLAGS -Werror $gh_flag"
        AC_MSG_CHECKING([whether $CC takes $gh_flag])
        AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
            [AC_MSG_RESULT([yes])
             $1="$$1 $gh_flag"],
            [AC_MSG_RESULT([no])])
    done
    CFLAGS=$gh_save_CFLAGS
])

# GH_COMPILE_FLAGS: the language and the warnings, into GH_CFLAGS.
AC_DEFUN([GH_COMPILE_FLAGS], [
    GH_CFLAGS="-std=gnu11"
    GH_TRY_FLAGS([GH_CFLAGS], [-Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes
        -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wundef -Wvla
        -Wduplicated-cond -Wno-unused-parameter
        -fvisibility=hidden -fno-common -fno-strict-aliasing])
    AS_IF([test "x$enable_werror" = xyes], [GH_CFLAGS="$GH_CFLAGS -Werror"])
    AC_SUBST([GH_CFLAGS])
])

# GH_SANITIZERS: into GH_SAN_FLAGS, given to compiler and linker.
AC_DEFUN([GH_SANITIZERS], [
    GH_SAN_FLAGS=
    AS_CASE([${enable_sanitizers:-no}],
        [no], [gh_sanitize=no],
        [yes], [gh_sanitize=address,undefined],
        [gh_sanitize=$enable_sanitizers])
    AS_IF([test "$gh_sanitize" != no], [
        GH_SAN_FLAGS="-fsanitize=$gh_sanitize -fno-omit-frame-pointer"
        AS_CASE([$gh_sanitize], [*undefined*],
            [GH_SAN_FLAGS="$GH_SAN_FLAGS -fno-sanitize-recover=undefined"])
        AS_IF([test -z "$gh_user_cflags"], [CFLAGS="-g -O1"])
        gh_save_CFLAGS=$CFLAGS
        CFLAGS="$CFLAGS $GH_SAN_FLAGS"
        AC_MSG_CHECKING([whether $CC links with -fsanitize=$gh_sanitize])
        AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
            [AC_MSG_RESULT([no])
             AC_MSG_ERROR([$CC cannot build with -fsanitize=$gh_sanitize])])
        CFLAGS=$gh_save_CFLAGS
    ])
    AC_SUBST([GH_SAN_FLAGS])
    AC_SUBST([gh_sanitize])
    AM_CONDITIONAL([SANITIZED], [test "$gh_sanitize" != no])
])

# GH_FUZZING: coverage for every object, the libFuzzer main for tests/fuzz only.
AC_DEFUN([GH_FUZZING], [
    GH_FUZZ_LDFLAGS=
    AS_IF([test "x$enable_fuzzing" = xyes], [
        GH_FUZZ_LDFLAGS="-fsanitize=fuzzer"
        GH_SAN_FLAGS="$GH_SAN_FLAGS -fsanitize=fuzzer-no-link"
        gh_save_CFLAGS=$CFLAGS
        CFLAGS="$CFLAGS $GH_SAN_FLAGS"
        AC_MSG_CHECKING([whether $CC has libFuzzer])
        AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
            [AC_MSG_RESULT([no])
             AC_MSG_ERROR([--enable-fuzzing needs clang: run configure with CC=clang-14])])
        CFLAGS=$gh_save_CFLAGS
    ])
    AC_SUBST([GH_FUZZ_LDFLAGS])
    AM_CONDITIONAL([FUZZING], [test "x$enable_fuzzing" = xyes])
])

# GH_HARDENING: stack protector, PIE, RELRO; FORTIFY only where no sanitizer takes its place.
AC_DEFUN([GH_HARDENING], [
    GH_HARDEN_CFLAGS=
    GH_HARDEN_LDFLAGS=
    GH_TRY_FLAGS([GH_HARDEN_CFLAGS], [-fstack-protector-strong -fstack-clash-protection -fcf-protection])
    GH_TRY_FLAGS([GH_HARDEN_LDFLAGS], [-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed])
    GH_HARDEN_CPPFLAGS=
    AS_IF([test "$gh_sanitize" = no && test "x$enable_fuzzing" != xyes], [
        # Level 3 where compiler and libc have it (gcc 12 and glibc 2.34), else 2; neither without -O.
        AC_MSG_CHECKING([for the highest _FORTIFY_SOURCE])
        gh_fortify=none
        for gh_level in 3 2; do
            gh_save_CFLAGS=$CFLAGS
            CFLAGS="$CFLAGS -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$gh_level"
            AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]],
                [[#if __USE_FORTIFY_LEVEL < $gh_level
                  #error not honoured
                  #endif]])], [gh_fortify=$gh_level])
            CFLAGS=$gh_save_CFLAGS
            test "$gh_fortify" = none || break
        done
        AC_MSG_RESULT([$gh_fortify])
        AS_IF([test "$gh_fortify" != none],
            [GH_HARDEN_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$gh_fortify"])
    ])
    # A sanitizer's own symbols may come from the program that loads the module.
    GH_NO_UNDEFINED=
    AS_IF([test -n "$GH_HARDEN_CPPFLAGS"], [GH_TRY_FLAGS([GH_NO_UNDEFINED], [-Wl,-z,defs])])
    AC_SUBST([GH_NO_UNDEFINED])
    # Objects are position independent already (libtool, shared only); programs need the link flag.
    GH_PIE_LDFLAGS=
    GH_TRY_FLAGS([GH_PIE_LDFLAGS], [-pie])
    AC_SUBST([GH_HARDEN_CPPFLAGS])
    AC_SUBST([GH_HARDEN_CFLAGS])
    AC_SUBST([GH_HARDEN_LDFLAGS])
    AC_SUBST([GH_PIE_LDFLAGS])
])

# GH_LIBMICROHTTPD(LEAST): headers and the static archive. Static, because the daemon replaces the
# library's HTML error bodies through the linker's --wrap, which does not reach into a shared
# library (docs/decisions/0002-mhd-error-bodies.md).
AC_DEFUN([GH_LIBMICROHTTPD], [
    AC_MSG_CHECKING([for a static libmicrohttpd >= $1])
    AS_CASE([${with_libmicrohttpd:-yes}],
        [yes|no], [gh_mhd_prefixes="`cd "$srcdir" && pwd`/build-deps/libmicrohttpd"],
        [gh_mhd_prefixes=$with_libmicrohttpd])
    gh_mhd_archive=
    gh_mhd_seen=
    for gh_where in "$gh_mhd_prefixes" system; do
        AS_IF([test "$gh_where" = system],
            [gh_pc="$PKG_CONFIG"],
            [gh_pc="env PKG_CONFIG_PATH=$gh_where/lib/pkgconfig:$PKG_CONFIG_PATH $PKG_CONFIG"
             test -f "$gh_where/lib/pkgconfig/libmicrohttpd.pc" || continue])
        gh_mhd_version=`$gh_pc --modversion libmicrohttpd 2>/dev/null` || continue
        gh_mhd_libdir=`$gh_pc --variable=libdir libmicrohttpd`
        gh_mhd_seen="$gh_mhd_seen $gh_mhd_version in $gh_mhd_libdir"
        $gh_pc --atleast-version=$1 libmicrohttpd || continue
        AS_IF([test -f "$gh_mhd_libdir/libmicrohttpd.a"], [
            gh_mhd_archive=$gh_mhd_libdir/libmicrohttpd.a
            MHD_CFLAGS="-isystem `$gh_pc --variable=includedir libmicrohttpd`"
            AS_IF([test "$gh_where" = system], [MHD_CFLAGS=`$gh_pc --cflags libmicrohttpd`])
            MHD_LIBS="$gh_mhd_archive -lgnutls -lpthread"
            break])
    done
    AS_IF([test -n "$gh_mhd_archive"],
        [AC_MSG_RESULT([$gh_mhd_version, $gh_mhd_archive])],
        [AC_MSG_RESULT([no])
         AC_MSG_ERROR([libmicrohttpd >= $1 with its static archive is needed; seen:${gh_mhd_seen:- none}.
    Debian 12 has 0.9.75, which lets HTTP request smuggling through; later releases before $1 lack
    security fixes. Run tools/get-libmicrohttpd: it builds Debian's own newer source package into
    build-deps/ in under a minute. Or name a prefix with --with-libmicrohttpd=PREFIX.])])
    AC_SUBST([MHD_CFLAGS])
    AC_SUBST([MHD_LIBS])
    AS_IF([test "$gh_where" = system], [gh_mhd_configure_flag=],
        [gh_mhd_configure_flag="--with-libmicrohttpd=$gh_where"])
    AC_SUBST([gh_mhd_configure_flag])
])

# GH_PYTHON_HEADERS: any Python.h >= 3.9 will do for the one stable-ABI extension.
AC_DEFUN([GH_PYTHON_HEADERS], [
    AC_MSG_CHECKING([for Python.h of CPython >= 3.9])
    gh_python_headers=
    AS_CASE([${with_python_headers:-yes}],
        [yes|no], [gh_python_dirs="`$PKG_CONFIG --cflags-only-I python3 2>/dev/null | tr ' ' '\n' | $SED -n 's/^-I//p'`
                   `python3-config --includes 2>/dev/null | tr ' ' '\n' | $SED -n 's/^-I//p'`
                   `ls -d /usr/include/python3.*[[0-9]] 2>/dev/null`"],
        [gh_python_dirs=$with_python_headers])
    gh_save_CPPFLAGS=$CPPFLAGS
    for gh_dir in $gh_python_dirs; do
        test -f "$gh_dir/Python.h" || continue
        CPPFLAGS="$gh_save_CPPFLAGS -I$gh_dir -DPy_LIMITED_API=0x03090000"
        AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <Python.h>
            #if PY_VERSION_HEX < 0x03090000
            #error too old
            #endif]], [])], [gh_python_headers=$gh_dir])
        test -z "$gh_python_headers" || break
    done
    CPPFLAGS=$gh_save_CPPFLAGS
    AS_IF([test -z "$gh_python_headers"],
        [AC_MSG_RESULT([no])
         AC_MSG_ERROR([Python.h of CPython 3.9 or later is needed (Debian package libpython3-dev), or --with-python-headers=DIR])])
    gh_python_version=`$AWK '$[]2 == "PY_VERSION" { gsub(/"/, "", $[]3); print $[]3 }' "$gh_python_headers/patchlevel.h"`
    AC_MSG_RESULT([$gh_python_version, $gh_python_headers])
    PYTHON_CPPFLAGS="-isystem $gh_python_headers -DPy_LIMITED_API=0x03090000"
    AC_SUBST([PYTHON_CPPFLAGS])
    AC_SUBST([gh_python_headers])
])

# GH_BROWSER_ASSETS: the viewers of /docs and /redoc, which may be left out.
AC_DEFUN([GH_BROWSER_ASSETS], [
    AC_MSG_CHECKING([for the viewers of /docs and /redoc])
    AS_CASE([${with_browser_assets:-default}],
        [default|yes], [browser_assets_dir=`cd "$srcdir" && pwd`/build-deps/browser-assets],
        [no], [browser_assets_dir=],
        [browser_assets_dir=`cd "$with_browser_assets" 2>/dev/null && pwd`])
    gh_browser_assets_shown=no
    AS_IF([test -n "$browser_assets_dir" && test -f "$browser_assets_dir/redoc.standalone.js"],
        [gh_browser_assets_shown=$browser_assets_dir],
        [AS_CASE([${with_browser_assets:-default}], [default|no], [],
            [AC_MSG_RESULT([no])
             AC_MSG_ERROR([the viewers are not there; run tools/get-browser-assets])])])
    AC_MSG_RESULT([$gh_browser_assets_shown])
    AC_SUBST([browser_assets_dir])
    AM_CONDITIONAL([BROWSER_ASSETS], [test "$gh_browser_assets_shown" != no])
])

# GH_SYSTEMD_FOLDER(NAME, BELOW-LIB, WHAT): where WHAT is installed, into NAME; below the prefix, not where systemd of
# this machine looks, so that `make install` of a user needs no root.
AC_DEFUN([GH_SYSTEMD_FOLDER], [
    AC_ARG_WITH([$1],
        [AS_HELP_STRING([--with-$1=DIR],
            [$3 (default: PREFIX/lib/$2; no: nowhere)])],
        [$1=$withval], [$1=yes])
    AS_CASE([$$1], [yes], [$1='${prefix}/lib/$2'], [no], [$1=])
    AC_SUBST([$1])
])
