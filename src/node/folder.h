/* SPDX-License-Identifier: Apache-2.0
 *
 * node/folder.h - files and folders of this node, for /folder/method. Source: http-api.md section 4.
 *
 * All of these wait for the disk: they belong into the thread pool, any thread, never the loop's. They
 * return 0, or -1 with FAULT filled: what the client is to be told, and how. Paths are C strings made
 * by gh_folder_path. Names that are no UTF-8 are shown with U+FFFD in the place of such a byte. */
#ifndef GH_NODE_FOLDER_H
#define GH_NODE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "pool/spill.h"
#include "wire/call.h"
#include "wire/reply.h"

struct gh_fault {
    unsigned status; /* 200: an exception of PYCLASS; else the status of a detail; 0: none */
    enum gh_pyclass pyclass; /* GH_PY_UNICODE_DECODE_ERROR: with the two below */
    char *text;
    unsigned char bad_byte;
    char encoding[32];
};

/* Fill FAULT; returns -1. */
int gh_fault_set(struct gh_fault *fault, unsigned status, enum gh_pyclass pyclass,
                 const char *format, ...) GH_PRINTF(4, 5);
/* Of a system call on PATH that failed with errno NUMBER, in the words of Python's OSError. */
int gh_fault_errno(struct gh_fault *fault, int number, const char *path);
void gh_fault_done(struct gh_fault *fault);

/* "[Errno 2] No such file or directory: 'PATH'"; the caller's to free. */
char *gh_errno_text(int number, const char *path);

/* TEXT made absolute: "~" and "~user" are homes, what is relative counts from the daemon's working
 * folder. Doubled slashes and "." go, ".." and links stay for the kernel. The caller's to free. Asks the
 * user database for "~user". */
char *gh_folder_path(const char *text);

/* Is NAME one inside a folder: relative, without empty, "." and ".." segments? */
bool gh_folder_is_inner(const char *name);

/* Make the folder PATH and those above it that are missing. */
int gh_folder_make(const char *path, struct gh_fault *fault);

/* Append a JSON array: the entries of PATH, with PATH before them when FULL_PATHS. In the order of the
 * file system, or the newest first. Links are listed, not followed. */
int gh_folder_ls(const char *path, bool full_paths, bool newest_first, struct gh_spill *out,
                 struct gh_fault *fault);
int gh_folder_mkdir(const char *path, struct gh_fault *fault);
/* Is there a file or folder? Links are followed. */
int gh_folder_exists(const char *path, bool *exists_out, struct gh_fault *fault);

/* folder_read.c: append the content of the file PATH as a JSON string. MODE and ENCODING as Python's open() takes them, NULL
 * for what was not given. A file of more than MAX bytes is refused. */
int gh_folder_get(const char *path, const char *mode, const char *encoding, size_t max,
                  struct gh_spill *out, struct gh_fault *fault);

/* folder_write.c: write the members of CONTENTS, a JSON object file name -> text, into the folder PATH,
 * which is made when OVERWRITE. Each is written under another name and renamed when it is whole. */
int gh_folder_put(const char *path, struct gh_slice contents, const char *mode, bool overwrite,
                  struct gh_fault *fault);

/* folder_remove.c: delete the COUNT names inside PATH; without names PATH itself. A link is removed itself; nothing is
 * removed through one. */
int gh_folder_rm(const char *path, const char *const *names, size_t count, bool recursive,
                 struct gh_fault *fault);

/* folder_move.c: as mv does: into DEST when it is a folder, else to it. */
int gh_folder_mv(const char *path, const char *dest, bool overwrite, struct gh_fault *fault);

#endif
