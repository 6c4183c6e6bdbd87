/* SPDX-License-Identifier: Apache-2.0 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "modules/python/ext.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LAST_FLUSH_MS 200
#define LAST_WORD_MS 20 /* the daemon may hang up right behind STOP; its frame may be on its way */

struct gh_link gh_link = {
    .fd = -1,
    .out = {.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .room = PTHREAD_COND_INITIALIZER},
};

/* How serve() ends, and what wakes the main thread, which waits in it. */
static struct {
    int wake_fds[2]; /* a pipe; signal handlers write to it too */
    pthread_mutex_t lock;
    _Atomic bool is_over; /* set last */
    char reason[4096];    /* "" after STOP */
} ending = {.lock = PTHREAD_MUTEX_INITIALIZER};

static PyObject *thread_class; /* threading.Thread */
static PyObject *thread_main;  /* run_thread() as Python sees it */

void
gh_serve_peer_gone(void)
{
    _exit(0);
}

void
gh_serve_end(const char *reason)
{
    pthread_mutex_lock(&ending.lock);
    if (!ending.is_over) {
        snprintf(ending.reason, sizeof ending.reason, "%s", reason ? reason : "");
        if (reason) {
            struct gh_part part = {ending.reason, strlen(ending.reason), false};
            gh_outbox_put(&gh_link.out, GH_FRAME_FAILED, 0, &part, 1);
        }
        ending.is_over = true;
    }
    pthread_mutex_unlock(&ending.lock);

    if (write(ending.wake_fds[1], "", 1) < 0) {
        /* The pipe is full: then the main thread wakes anyway. */
    }
}

/* Start one more thread when none sits idle, now that we have the lock of the interpreter. */
static void
ensure_spare_thread(void)
{
    static unsigned number;

    if (!gh_baton_wants_thread(&gh_link.baton))
        return;
    PyObject *empty = PyTuple_New(0);
    PyObject *options =
        Py_BuildValue("{s:O,s:N,s:O}", "target", thread_main, "name",
                      PyUnicode_FromFormat("gatehouse-%u", ++number), "daemon", Py_True);
    PyObject *thread = empty && options ? PyObject_Call(thread_class, empty, options) : NULL;
    PyObject *started = thread ? PyObject_CallMethod(thread, "start", NULL) : NULL;
    if (!started) {
        PyErr_Clear(); /* no memory or no process left: the calls stay on the threads there are */
        gh_baton_thread_failed(&gh_link.baton);
    }
    Py_XDECREF(started);
    Py_XDECREF(thread);
    Py_XDECREF(options);
    Py_XDECREF(empty);
}

/* With the interpreter lock. False when this thread is no longer the leader or serve() ends. */
static bool
run_frame(const struct gh_frame *frame, int fd)
{
    if (frame->kind >= GH_FRAME_READY) {
        gh_serve_end("the daemon sent a frame that only workers send");
        return false;
    }
    if (!gh_link.got_hello && frame->kind != GH_FRAME_HELLO) {
        gh_serve_end("the first frame from the daemon was not HELLO");
        return false;
    }
    gh_link.got_hello = true;
    if (frame->kind == GH_FRAME_STOP) {
        gh_serve_end(NULL);
        return false;
    }
    return gh_call_run(frame, fd) && !ending.is_over;
}

enum turn { TURN_READ_ON, TURN_OVER };

/* Run the whole frames that are in the inbox, with the interpreter lock. */
static enum turn
run_batch(unsigned *count_out)
{
    for (*count_out = 0;; ++*count_out) {
        struct gh_frame frame;
        int fd;
        enum gh_inbox_status status = gh_inbox_next(&gh_link.in, &frame, &fd);

        if (status == GH_INBOX_MORE)
            return TURN_READ_ON;
        if (status == GH_INBOX_BROKEN) {
            gh_serve_end("the daemon sent bytes that are no frame");
            return TURN_OVER;
        }
        if (!run_frame(&frame, fd))
            return TURN_OVER;
    }
}

static void
flush(bool wait)
{
    if (gh_outbox_flush(&gh_link.out, wait) == GH_OUTBOX_CLOSED && !gh_link.is_forked)
        gh_serve_peer_gone();
}

/* False when nothing came, which without WAIT is no news, or when serve() ends. */
static bool
read_more(bool wait)
{
    enum gh_inbox_status status = gh_inbox_read(&gh_link.in, wait);

    if (status == GH_INBOX_EOF)
        gh_serve_peer_gone();
    if (status == GH_INBOX_BROKEN)
        gh_serve_end("the daemon sent descriptors that got lost");
    return status == GH_INBOX_OK;
}

/* Run frames, with the interpreter lock, as long as they come in numbers: to give the lock up
 * between batches would cost a switch interval whenever another thread computes. */
static enum turn
run_batches(void)
{
    unsigned count;

    ensure_spare_thread();
    for (;;) {
        enum turn turn = run_batch(&count);
        if (turn == TURN_OVER || count <= 1)
            return turn;
        flush(false);
        if (!read_more(false))
            return ending.is_over ? TURN_OVER : TURN_READ_ON;
    }
}

/* Be the leader until deposed or the end. *STATE is this thread's; the interpreter lock is not
 * held on entry, on return and while waiting. */
static void
lead(PyThreadState **state)
{
    enum turn turn = TURN_READ_ON;

    while (turn == TURN_READ_ON) {
        /* A deposed leader may have left frames behind. */
        if (gh_inbox_has_frame(&gh_link.in)) {
            PyEval_RestoreThread(*state);
            turn = run_batches();
            *state = PyEval_SaveThread();
            flush(true);
        } else if (!read_more(true)) {
            turn = TURN_OVER;
        }
    }
}

/* What each of our threads runs. */
static PyObject *
run_thread(PyObject *module, PyObject *none)
{
    PyThreadState *state = PyEval_SaveThread();

    (void)module;
    (void)none;
    for (bool is_new = true; gh_baton_sit(&gh_link.baton, is_new); is_new = false)
        lead(&state);
    PyEval_RestoreThread(state);
    Py_RETURN_NONE;
}

/* The monitor's second duty: what a call prints, or what waits behind a slow call, goes out within
 * two ticks. One tick of grace lets the leader send it with the rest of its batch. */
static bool
on_tick(void *data)
{
    bool *was_unsent = data;
    bool is_unsent = gh_outbox_has_unsent(&gh_link.out);

    if (is_unsent && *was_unsent) {
        flush(false);
        is_unsent = gh_outbox_has_unsent(&gh_link.out);
    }
    *was_unsent = is_unsent;
    return is_unsent;
}

/* In a forked child: signals must not wake the parent's main thread. */
static PyObject *
after_fork_in_child(PyObject *module, PyObject *none)
{
    PyObject *signals = PyImport_ImportModule("_signal");
    PyObject *old = signals ? PyObject_CallMethod(signals, "set_wakeup_fd", "i", -1) : NULL;

    (void)module;
    (void)none;
    PyErr_Clear();
    Py_XDECREF(old);
    Py_XDECREF(signals);
    Py_RETURN_NONE;
}

static void
before_fork(void)
{
    gh_outbox_before_fork(&gh_link.out);
}

static void
after_fork_in_parent(void)
{
    gh_outbox_after_fork(&gh_link.out, false);
}

/* The child keeps neither end of our socket, so that its writers find the outbox closed and the
 * daemon is not misled about who lives. */
static void
close_link_in_child(void)
{
    gh_outbox_after_fork(&gh_link.out, true);
    close(gh_link.fd);
    gh_link.fd = -1;
    gh_link.is_forked = true;
}

static PyMethodDef thread_main_def = {"run_thread", run_thread, METH_NOARGS, NULL};
static PyMethodDef after_fork_def = {"after_fork", after_fork_in_child, METH_NOARGS, NULL};

/* Import what serve() needs and set hooks. Once per process. */
static int
prepare_python(void)
{
    PyObject *threading = PyImport_ImportModule("threading");
    PyObject *os = PyImport_ImportModule("os");
    PyObject *signals = PyImport_ImportModule("_signal");
    PyObject *after_fork = PyCFunction_NewEx(&after_fork_def, NULL, NULL);
    PyObject *hook = NULL, *set = NULL;

    thread_main = PyCFunction_NewEx(&thread_main_def, NULL, NULL);
    if (threading && os && signals && after_fork && thread_main) {
        thread_class = PyObject_GetAttrString(threading, "Thread");
        PyObject *options = Py_BuildValue("{s:O}", "after_in_child", after_fork);
        PyObject *none = PyTuple_New(0);
        PyObject *fork_hooks = PyObject_GetAttrString(os, "register_at_fork");
        if (thread_class && options && none && fork_hooks)
            hook = PyObject_Call(fork_hooks, none, options);
        Py_XDECREF(fork_hooks);
        Py_XDECREF(none);
        Py_XDECREF(options);
    }
    if (hook)
        set = PyObject_CallMethod(signals, "set_wakeup_fd", "i", ending.wake_fds[1]);

    int rc = set ? 0 : -1;
    Py_XDECREF(set);
    Py_XDECREF(hook);
    Py_XDECREF(after_fork);
    Py_XDECREF(signals);
    Py_XDECREF(os);
    Py_XDECREF(threading);
    return rc;
}

static int
open_link(int fd, PyObject *handle)
{
    static bool monitor_was_unsent;

    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, 0) < 0 ||
        pipe2(ending.wake_fds, O_CLOEXEC | O_NONBLOCK) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (prepare_python() < 0)
        return -1;

    gh_link.fd = fd;
    gh_link.handle = handle;
    Py_INCREF(handle);
    gh_inbox_init(&gh_link.in, fd);
    gh_outbox_init(&gh_link.out, fd);
    pthread_atfork(before_fork, after_fork_in_parent, close_link_in_child);
    errno = gh_baton_start(&gh_link.baton, on_tick, &monitor_was_unsent);
    if (errno) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return 0;
}

/* Sleep until a signal, the end or the daemon's death. Without the interpreter lock, so that a call
 * which never gives it up cannot hide the last. */
static void
wait_for_news(void)
{
    struct pollfd pollers[] = {
        {.fd = ending.wake_fds[0], .events = POLLIN},
        {.fd = gh_link.fd, .events = POLLRDHUP},
    };
    char wakes[64];

    poll(pollers, 2, -1);
    if (pollers[1].revents && !ending.is_over) {
        poll(pollers, 1, LAST_WORD_MS);
        if (!ending.is_over)
            gh_serve_peer_gone();
    }
    while (read(ending.wake_fds[0], wakes, sizeof wakes) > 0)
        ;
}

/* Give what is already answered a little time to leave. Without the interpreter lock. */
static void
send_last_words(void)
{
    for (int waited_ms = 0; waited_ms < LAST_FLUSH_MS; waited_ms++) {
        enum gh_outbox_status status = gh_outbox_flush(&gh_link.out, false);
        if (status == GH_OUTBOX_CLOSED || !gh_outbox_has_unsent(&gh_link.out))
            return;
        poll(NULL, 0, 1);
    }
}

PyObject *
gh_py_serve(PyObject *module, PyObject *args)
{
    int fd;
    PyObject *handle;

    (void)module;
    if (!PyArg_ParseTuple(args, "iO:serve", &fd, &handle))
        return NULL;
    if (gh_link.fd >= 0 || gh_link.is_forked) {
        PyErr_SetString(PyExc_RuntimeError, "serve() can run once in a process");
        return NULL;
    }
    if (open_link(fd, handle) < 0)
        return NULL;

    ensure_spare_thread();
    while (!ending.is_over) {
        Py_BEGIN_ALLOW_THREADS wait_for_news();
        Py_END_ALLOW_THREADS
            /* User code sets handlers; what they raise has no call to go to. */
            if (PyErr_CheckSignals() < 0) PyErr_Clear();
    }

    Py_BEGIN_ALLOW_THREADS gh_baton_stop(&gh_link.baton);
    send_last_words();
    Py_END_ALLOW_THREADS if (!ending.reason[0]) Py_RETURN_NONE;
    PyErr_SetString(PyExc_RuntimeError, ending.reason);
    return NULL;
}
