/*
 * ftreview: publish media for web review on an ftrack server, from any program that can call C.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * This file is the manual. It begins with what holds for every function; what a function adds stands with it.
 *
 *
 * A program
 * ---------
 *
 *     #include <ftreview.h>
 *     #include <stdio.h>
 *
 *     static void on_job(void *done, const ftr_job_result *result)
 *     {
 *         if (result->state == FTR_JOB_DONE)
 *             printf("version %lld: %s\n", (long long)result->version_number, result->link);
 *         else
 *             printf("not published: %s\n", result->error->message);
 *         *(int *)done = 1;
 *     }
 *
 *     int main(int argc, char **argv)
 *     {
 *         int done = 0;
 *         ftr_session session = 0;
 *         ftr_job job = 0;
 *         ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
 *         ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
 *
 *         options.on_job = on_job;
 *         options.user_data = &done;
 *         publish.path = argc > 1 ? argv[1] : "review.mp4";
 *         publish.context = "demo/sq010/sh010/compositing";
 *
 *         if (ftr_session_create(&options, &session) < 0 ||
 *             ftr_session_publish_file(session, &publish, &job) < 0) {
 *             fprintf(stderr, "%s\n", ftr_last_error_message());
 *             return 1;
 *         }
 *         while (!done)
 *             ftr_session_poll_events(session, 100);
 *         ftr_session_free(session);
 *         return 0;
 *     }
 *
 * The server, key and user come from FTRACK_SERVER, FTRACK_API_KEY and FTRACK_API_USER here. Link with -lftreview;
 * nothing else is needed, and nothing has to be initialised.
 *
 *
 * Promises
 * --------
 *
 *  1. It never surprises your threads. Progress, event, job and log callbacks run only inside
 *     ftr_session_poll_events, on the thread that called it, with no lock held. The one exception is the wake-up
 *     callback, which only says that there is something to poll.
 *  2. Every accepted job ends in exactly one FTR_EVENT_JOB_ENDED: done, failed, cancelled or parked. Every event that
 *     is published on the hub ends in exactly one FTR_EVENT_HUB_PUBLISHED.
 *  3. No call blocks longer than its timeout. A function without a timeout does no I/O. (ftr_session_free and
 *     ftr_session_set_wakeup_callback wait for a callback of yours that another thread is in, and for nothing else.)
 *  4. A bad handle is an error code: stale, foreign, freed twice, of another kind, 0.
 *  5. It changes nothing in your process: no signal handlers, locale, environment, logger, standard output, panic
 *     hook, allocator, working directory.
 *  6. Released names, numbers and fields never change their meaning; the ABI only grows.
 *  7. A publish is all or nothing to a reviewer, and one publish never makes two versions.
 *  8. Memory is bounded and does not grow with the file; the source is read once and never copied.
 *  9. Nothing accepted is lost, where a session has an outbox: from FTR_EVENT_JOB_KEPT on a publish survives being
 *     offline, a host that is killed and a reboot, and ends well or says why.
 * 10. The key stays secret: never in a URL, a log line, an error, a file, or a request to any other origin than the
 *     ftrack server's. Upload addresses, which are secrets too, are never shown.
 *
 *
 * Terms
 * -----
 *
 *  session     One server and one user. Several may exist in a process, also in several copies of this library.
 *  job         One accepted publish, upload to an endpoint, download or removal.
 *  outbox      A folder in which publishes are kept until they have ended.
 *  event       One thing that a session tells: the status of its server, a job's progress, a job's end, a log line,
 *              something from the event hub.
 *  event hub   Where programs and people who use the same server tell each other what happens. Its events have a
 *              topic, such as "ftrack.update", and data.
 *  context     Where a publish belongs: a task, a shot, a project.
 *  asset, asset version, component, location, ftr_meta
 *              ftrack's own words. A version of an asset shows the component whose name its web player knows:
 *              "ftrackreview-mp4" or "ftrackreview-image", stored in the location "ftrack.server", with the frame
 *              range and rate in the metadata "ftr_meta". The library makes all of these.
 *
 *
 * Calling
 * -------
 *
 * Functions return an int32_t. 0 (FTR_OK) is success, a negative number is an error (FTR_E_*), and functions that
 * count return the count, which is never negative. Results come last, are written only on success, and must not
 * be NULL. After an error ftr_last_error_message() says which argument, which value, and what to do; it is kept a
 * thread. The errors of jobs are in their results.
 *
 * Option structs begin with their size. Always begin with the INIT macro, which sets it and the defaults; then an
 * old program works with a new library, and a new program with an old one as long as it does not use what that
 * one does not know. Structs that the library hands out begin with their size, too: it tells which fields are
 * there. Enumerations are int32_t; ignore values that you do not know.
 *
 * Times are in milliseconds, sizes in bytes. As a timeout, 0 does not wait and FTR_NO_TIMEOUT waits without limit.
 *
 *
 * Ownership
 * ---------
 *
 *  what                                 from                         until
 *  ftr_session                          ftr_session_create           ftr_session_free
 *  ftr_job                              ftr_session_publish_file     ftr_job_free, or ftr_session_free
 *                                       _http_upload,
 *                                       _download_component, _remove,
 *                                       ftr_outbox_resume, _retry,
 *                                       _forget, FTR_EVENT_JOB_RESUMED
 *                                       _http_upload, _remove,
 *                                       _download_component,
 *                                       ftr_outbox_* and
 *                                       FTR_EVENT_JOB_RESUMED
 *  const ftr_job_result *               ftr_job_wait                 the job is freed
 *  ftr_subscription                     ftr_hub_subscribe            ftr_hub_unsubscribe, or ftr_session_free
 *  ftr_watch                            ftr_session_watch            ftr_watch_free, or ftr_session_free
 *  ftr_outbox, its items                ftr_outbox_list              ftr_outbox_free, or ftr_session_free
 *  ftr_event                            ftr_session_next_event       ftr_event_free
 *  const ftr_event_info *, its texts    ftr_event_get, _json         the event is freed
 *  structs given to callbacks           the library                  the callback returns
 *  server information and version       ftr_session_server_*         the session is freed
 *  wake-up descriptor                   ftr_session_wake_fd          the session is freed
 *  names, descriptions, ftr_version     the library                  for ever
 *  ftr_last_error_message()             the library                  the thread's next error
 *
 * What you pass is copied before the call returns. user_data is yours and only handed back. You never free memory
 * of the library, nor it yours.
 *
 *
 * Threads
 * -------
 *
 * Every function may be called from any thread. One thread at a time polls a session (FTR_E_CONCURRENT_POLL).
 * The library works on one thread of its own, "ftr-runtime", and a few for reading files, "ftr-io". They start with
 * the first session and end after the last; they mask all signals.
 *
 *
 * Events and waking up
 * --------------------
 *
 * Nothing is told but by polling. In a program with a main loop, call ftr_session_poll_events(session, 0) from a
 * timer or once a frame; it returns at once when there is nothing. To poll only when there is something, wait for
 * the descriptor of ftr_session_wake_fd in the loop, or have ftr_session_set_wakeup_callback post a message to it.
 * In a program without a loop, call ftr_job_wait. In languages where callbacks hurt, take events one by one with
 * ftr_session_next_event; ftr_event_json has each as text.
 *
 * The queue is bounded. A place for a job's end is reserved when the job is accepted (FTR_E_QUEUE_FULL if 1024 are
 * accepted and not yet told). Progress and status are latest values. Log lines beyond 1024 are dropped, oldest
 * first, and the loss is told as FTR_EVENT_DROPPED; events of the hub beyond 4096, or 32 MiB, likewise as
 * FTR_EVENT_HUB_DROPPED. Everything about one job comes in order, and nothing after its end; between jobs there is no
 * order. Events of the hub come in the order in which the server told them.
 *
 *
 * The event hub
 * -------------
 *
 *     static void on_update(void *user_data, const ftr_event_info *event)
 *     {
 *         if (event->kind == FTR_EVENT_HUB)
 *             printf("%s: %s
", event->hub->topic, event->hub->data);
 *     }
 *
 *     ftr_hub_subscribe_options options = FTR_HUB_SUBSCRIBE_OPTIONS_INIT;
 *     ftr_subscription subscription = 0;
 *
 *     options.callback = on_update;
 *     ftr_hub_connect(session);
 *     ftr_hub_subscribe(session, "topic=ftrack.update", &options, &subscription);
 *
 * The connection is the library's business: it is made in the background, through the same proxy and with the same
 * certificates as everything else, its heartbeats are answered however long the host is busy, and when it breaks it
 * is
 * made again, without end, with every subscription. What others say while there is no connection is not heard later:
 * the server does not keep it. FTR_EVENT_HUB_STATUS says when it broke and when it is back.
 *
 * What reviewers do needs no expressions: ftr_session_watch tells notes, approvals and requests for changes as
 * FTR_EVENT_REVIEW, and loses none of them with a connection. A publish that ends while the hub is connected is
 * announced: "ftrack.location.component-added" for each component, and "ftreview.published", or the topic in
 * ftr_publish_options.announce_topic.
 *
 *
 * The whole review
 * ----------------
 *
 * A publish can bring everything with it that a review needs: statuses, links, lists, metadata and custom attributes,
 * a
 * note on a frame with files, a review session with its invitees (task_status to invitees in ftr_publish_options).
 *
 * All names become ids before anything is made or sent, so that what the project does not have is an error that
 * leaves
 * the server as it was. What reviewers see then comes in the one request that shows the media. What the server
 * refuses of
 * it is a warning in the result, each for itself: the version is published and stays. A publish that is kept in the
 * outbox or that has an idempotency_key makes nothing twice, in whichever process it goes on; an invitation of which
 * nobody can tell whether it was sent is told as a warning and not sent again.
 *
 * With FTR_PUBLISH_INTO_VERSION an existing version gets new media, and keeps the earlier ones until it has them.
 *
 * With FTR_MODE_ENCODE the server makes of the file what browsers play. The version is there while it works
 * (FTR_STAGE_ENCODING), and everything else follows when it is done. FTR_E_ENCODE_FAILED has the server's words and
 * leaves nothing; after FTR_E_ENCODE_STUCK the version stays, and a publish in the outbox goes on watching later.
 *
 *
 * When the network fails
 * ----------------------
 *
 * A request that gets no answer, or one that says "later" (408, 429, 5xx), is tried again by the library, with
 * growing
 * and random pauses, and Retry-After is obeyed. Before anything was uploaded it gives up within a few seconds, so
 * that
 * a server that is away is told soon. From the first uploaded byte on it goes on for two minutes, and for five once
 * the version exists: a VPN that reconnects or a server that restarts costs time and no publish. Each part of a large
 * file is tried for itself. Cancelling ends all of this at once. What is repeated is never done twice: every id is
 * made before it is used, and where an answer was lost the server is asked whether it has done the work.
 *
 * An upload address that has expired, on a slow link or because the machine slept, is asked for again; parts that are
 * in storage are kept where the server goes on with the same upload, and sent again where it opens another.
 *
 *
 * Uploads
 * -------
 *
 * A file of up to 16 MiB goes up in one request, a larger one in parts, several at once: six to begin with, more
 * while
 * that makes it faster, fewer when the storage asks for it (ftr_session_options.upload_connections sets a number).
 * What
 * files take in memory is limited for the session (upload_memory_bytes). ftr_session_set_upload_rate caps the bytes a
 * second, ftr_job_pause and ftr_job_resume hold a job and let it go on.
 *
 * Four publishes of large files run at once and four of small ones beside them (parallel_uploads); others wait for
 * their turn in FTR_STAGE_ACCEPTED. Each upload has a connection of its own and a fair share of the others and of the
 * bandwidth, so a still is not kept waiting by films.
 *
 * What arrived is verified before anything of it is registered: the MD5 of each request against the storage's ETag,
 * the
 * size of an object that was put together of parts, and that the file on disk has not changed meanwhile. Where the
 * storage gives no ETag, or one that is no MD5, the result has a warning; see FTR_VERIFY_*.
 *
 * Progress tells bytes_done, what has left this machine, and bytes_stored of it, what the storage has confirmed.
 *
 * With ftr_publish_options.idempotency_key a publish can be tried again, in this process or another, and makes one
 * version however often. With ftr_session_options.journal_folder as well, an upload that failed or whose process was
 * killed goes on where it ended, if the server still takes its parts, and else begins anew and says so.
 *
 *
 * The outbox
 * ----------
 *
 * With ftr_session_options.outbox_folder, or FTR_SESSION_OUTBOX for the user's own, every publish is kept in a folder
 * of
 * plain files until it has ended. FTR_EVENT_JOB_KEPT says that it is there; from then on it is not lost. A publish
 * that
 * cannot go on for a reason that may pass (no network, a server that fails, a key that was revoked, a drive that is
 * away),
 * and one whose session is closed, freed or killed, stays there; the job ends as FTR_JOB_PARKED where there is
 * somebody to
 * be told. It goes on
 *
 *  - in any session for the same server and user that uses the folder, in any process, by itself: when the session
 *    becomes ready, and then once a minute. FTR_EVENT_JOB_RESUMED gives the host its job. After each failure it waits
 *    longer, up to an hour. A session whose key was refused (FTR_STATUS_UNAUTHORISED) asks no more and goes on with
 *    nothing: create another. FTR_SESSION_OUTBOX_MANUAL leaves all this out;
 *  - by ftr_outbox_resume, at once. examples/c/outbox.c lists and drains an outbox, for a farm's end-of-job or cron.
 *
 * It makes the same version with the same ids, however often it is begun and by whom: an item has a lock, every step
 * finds
 * what was done before, and what is in storage is not sent again. One that fails for good has what it made removed
 * from the
 * server, also by a later session if it must; its item is removed when the session that submitted it was told, and
 * else
 * stays as failed for ftr_outbox_retry or ftr_outbox_forget.
 *
 * The files themselves are not copied unless FTR_PUBLISH_COPY_SOURCE asks for it: a file that is no longer the same
 * when the
 * publish goes on is FTR_E_SOURCE_CHANGED, one that is not there is waited for. An outbox that cannot be written, or
 * is
 * full, keeps nobody from publishing: the result has a warning. No key is in it, and only its user may read it.
 *
 * A farm whose tasks end together sets ftr_session_options.start_spread_ms.
 *
 *
 * Other ways in
 * -------------
 *
 * ftr_session_http_upload sends a file with form fields to an endpoint of the server, such as a studio's own
 * "/studio/review", as the session's user: streamed, with progress, pause, cancelling and the cap on bandwidth, and
 * with
 * the answer in the job's result. User and key go to no other origin. What an endpoint gets twice it may do twice, so
 * a
 * request is sent again only where it surely did not arrive; ftr_error.outcome_unknown says where nobody knows.
 *
 * ftr_session_download_component brings a component that the server stores to a file, which appears whole or not at
 * all.
 * What came before a failure stays in PATH.part, and a later try fetches only the rest.
 *
 * ftr_session_remove takes a component, a sequence or a version from the server, with all that belongs to it; what is
 * only
 * registered by path stays where it is.
 *
 *
 * Closing, exiting, unloading, fork
 * ---------------------------------
 *
 * A plug-in that is being unloaded calls ftr_session_close with the time that it has, polls what is left, and
 * ftr_session_free. A program may also exit at any moment, freeing nothing; what was being published is then not
 * finished, and no reviewer sees any of it. With an outbox it goes on in the next session.
 *
 * The library stays mapped after dlclose, because its threads may be running; loading it again finds it as it was.
 *
 * In a child process made by fork, every function but those for versions and names returns FTR_E_FORKED once the
 * parent has created a session: the thread does not exist there. fork followed by exec is fine.
 *
 *
 * Text
 * ----
 *
 * All text is UTF-8 and ends with a NUL, in both directions; what is not UTF-8 is FTR_E_NOT_UTF8. Paths are UTF-8 as
 * well. The library depends on no locale.
 *
 *
 * Versions
 * --------
 *
 * FTR_VERSION and ftr_version() are the library's, FTR_ABI_VERSION and ftr_abi_version() the interface's. The file is
 * libftreview.so.1 as long as the ABI only grows. A program that loads the library at run time should refuse one
 * whose ftr_abi_version() is smaller than its own FTR_ABI_VERSION.
 */


#ifndef FTREVIEW_H
#define FTREVIEW_H

/* Generated by `cargo xtask header` from src/ffi and cbindgen.toml. Edit those. */

#include <stddef.h>
#include <stdint.h>

/* What a Windows program needs besides; FTR_STATIC for those that link the static library. */
#if defined(_WIN32) && !defined(FTR_STATIC)
#define FTR_API __declspec(dllimport)
#elif defined(__GNUC__) && !defined(FTR_STATIC)
#define FTR_API __attribute__((visibility("default")))
#else
#define FTR_API
#endif

/** The version of the library that this header is of. */
#define FTR_VERSION "0.1.0"
#define FTR_VERSION_MAJOR 0
#define FTR_VERSION_MINOR 1
#define FTR_VERSION_PATCH 0

/* Errors, by what they are about. A number is never given another meaning. */

/** A pointer that must be given was NULL. The message names the argument. */
#define FTR_E_NULL_ARGUMENT (-101)

/** A text was not UTF-8. Convert it first; on Windows from the wide form of the path. */
#define FTR_E_NOT_UTF8 (-102)

/** struct_size is none that this library knows: initialise the struct with its INIT macro, or update the library. */
#define FTR_E_STRUCT_SIZE (-103)

/** The value is no handle of this copy of the library. */
#define FTR_E_BAD_HANDLE (-104)

/** The handle was freed before. */
#define FTR_E_STALE_HANDLE (-105)

/** A handle of another kind, such as a job where a session is expected. */
#define FTR_E_WRONG_HANDLE_KIND (-106)

/** A value is outside what the argument allows. The message names argument, value and what is allowed. */
#define FTR_E_INVALID_ARGUMENT (-107)

/** A text that must be JSON is not, or has the wrong shape. */
#define FTR_E_INVALID_JSON (-108)

/**
 * A subscription's expression or an event's target cannot be read. The message names the position and what was
 * expected there.
 */
#define FTR_E_EXPRESSION (-109)

/**
 * The address is not one of the ftrack server, and the user and key go to no other. Send without them
 * (FTR_HTTP_UPLOAD_NO_AUTH), or give an address of the server.
 */
#define FTR_E_FOREIGN_ORIGIN (-112)

/** Called from the wake-up callback, in which only the functions for versions and for error texts may be called. */
#define FTR_E_WOULD_DEADLOCK (-201)

/** Events were polled from inside a callback of the same session's poll. */
#define FTR_E_REENTRANT (-202)

/** Another thread is polling this session at this moment; one at a time may. */
#define FTR_E_CONCURRENT_POLL (-203)

/** The session is closed: it accepts nothing new. Events that are left can still be polled. */
#define FTR_E_CLOSED (-204)

/** Called in a child process made by fork. Use the library in the parent, or in the child after exec. */
#define FTR_E_FORKED (-205)

/**
 * So many jobs are accepted and not yet reported that no room for another's end can be promised. Poll events, or free
 * jobs that were waited for.
 */
#define FTR_E_QUEUE_FULL (-206)

/** The time given to the call is over. What it waited for goes on. */
#define FTR_E_TIMED_OUT (-207)

/** The job was cancelled by the host, or ended by closing or freeing its session. */
#define FTR_E_CANCELLED (-208)

/**
 * The event hub is neither connected nor being connected, and the event is for others: call ftr_hub_connect first.
 */
#define FTR_E_HUB_OFF (-209)

/** The event was dropped before it was sent: more are waiting for the event hub than there is room for. */
#define FTR_E_HUB_DROPPED (-210)

/** Another thread or process is working on this item of the outbox. Wait for its end, or come back later. */
#define FTR_E_OUTBOX_BUSY (-211)

/** The outbox has no such item: it may have ended meanwhile. List the outbox to see what is there. */
#define FTR_E_OUTBOX_NO_ITEM (-212)

/**
 * The outbox holds as many items, or as many bytes of copied files, as it may. Drain it, forget items that failed, or
 * allow more.
 */
#define FTR_E_OUTBOX_FULL (-213)

/**
 * The outbox's folder cannot be read, written or locked: no permission, read-only, a full disk, or a file system
 * without locks. The message names the path and the remedy.
 */
#define FTR_E_OUTBOX_UNUSABLE (-214)

/** The item was written by a newer version of this library. Resume it with that version; this one leaves it alone. */
#define FTR_E_OUTBOX_NEWER (-215)

/** The item's files are not what was written: it is never published. Forget it, and publish its file again. */
#define FTR_E_OUTBOX_DAMAGED (-216)

/** The session has no outbox: create it with ftr_session_options.outbox_folder or FTR_SESSION_OUTBOX. */
#define FTR_E_OUTBOX_OFF (-217)

/** The item of the outbox is another user's, or goes to another server: use a session of that user and server. */
#define FTR_E_OUTBOX_OTHER (-218)

/**
 * The item of the outbox has failed for good, and waits for ftr_outbox_retry or ftr_outbox_forget. The message says
 * why it failed.
 */
#define FTR_E_OUTBOX_FAILED (-219)

/**
 * The publish was in the outbox for longer than ftr_session_options.outbox_max_age_s, and is not tried again by
 * itself.
 */
#define FTR_E_OUTBOX_EXPIRED (-220)

/** No server URL was given and FTRACK_SERVER is not set. */
#define FTR_E_NO_SERVER_URL (-301)

/** The server URL is not one: it must look like https://studio.ftrackapp.com. */
#define FTR_E_BAD_SERVER_URL (-302)

/** No API key was given and neither FTRACK_API_KEY nor FTRACK_APIKEY is set. */
#define FTR_E_NO_API_KEY (-303)

/** No API user was given, FTRACK_API_USER is not set and the operating system names no user. */
#define FTR_E_NO_API_USER (-304)

/** The proxy is not a URL such as http://proxy.studio:3128. */
#define FTR_E_BAD_PROXY_URL (-305)

/** The CA file cannot be read or holds no PEM certificate. */
#define FTR_E_CA_FILE (-306)

/** There is no file at the path, or no folder for one that is to be written. */
#define FTR_E_FILE_NOT_FOUND (-401)

/** The path is a directory or a device, not a file. */
#define FTR_E_NOT_A_FILE (-402)

/** The file has no bytes: the render or export that made it did not finish. */
#define FTR_E_FILE_EMPTY (-403)

/** The file is there and may not be read by this user, or reading it failed. */
#define FTR_E_FILE_UNREADABLE (-404)

/** The file grew or changed while it was checked or uploaded. Publish it when it is written whole. */
#define FTR_E_FILE_CHANGED (-405)

/** The file is larger than the server takes. */
#define FTR_E_FILE_TOO_LARGE (-406)

/**
 * The file of an item of the outbox has changed since the publish was accepted. Retry the item to publish it as it is
 * now, or forget the item.
 */
#define FTR_E_SOURCE_CHANGED (-407)

/**
 * The file of an item of the outbox is no longer there. Bring it back, or the drive that it is on, and retry the
 * item; or forget it.
 */
#define FTR_E_SOURCE_GONE (-408)

/** There is something at the path that is to be written. Give another path, or FTR_DOWNLOAD_OVERWRITE. */
#define FTR_E_FILE_EXISTS (-409)

/**
 * The file, or its folder, may not be written by this user, is being written by another download, or writing it
 * failed.
 */
#define FTR_E_FILE_UNWRITABLE (-410)

/** The disk is full, or the user's share of it. */
#define FTR_E_DISK_FULL (-411)

/** The server's name is unknown, or nothing answers at its address. */
#define FTR_E_UNREACHABLE (-501)

/** The server took the connection and then said nothing for the time allowed. */
#define FTR_E_NETWORK_TIMEOUT (-502)

/** No trusted encrypted connection: an unknown authority, a wrong name or an expired certificate. */
#define FTR_E_TLS (-503)

/** The proxy cannot be reached, wants a password, or refuses the server. */
#define FTR_E_PROXY (-504)

/** The connection broke before the answer was complete. */
#define FTR_E_CONNECTION_LOST (-505)

/** What answers at the URL is no ftrack server. */
#define FTR_E_WRONG_SERVER (-506)

/** The server does not accept the API user and key. */
#define FTR_E_UNAUTHORISED (-601)

/** The user may not do this on the server. */
#define FTR_E_PERMISSION (-602)

/** The server refuses a value. */
#define FTR_E_VALIDATION (-603)

/** What should be created exists already. */
#define FTR_E_DUPLICATE (-604)

/** Something that the request refers to does not exist (any longer). */
#define FTR_E_INTEGRITY (-605)

/** The server cannot read a query that this library wrote. */
#define FTR_E_QUERY (-606)

/** The server is too old, or set up in a way that it lacks an operation. */
#define FTR_E_UNSUPPORTED (-607)

/** The server failed in a way that has no code of its own; the message quotes it. */
#define FTR_E_SERVER_ERROR (-608)

/** The server has too much to do (429 or 503); retry_after_ms says when to come back, where it said so. */
#define FTR_E_SERVER_BUSY (-609)

/** The answer is not what the protocol promises. */
#define FTR_E_MALFORMED_ANSWER (-610)

/** The event hub refuses a subscription or an event; the message has its words. */
#define FTR_E_HUB_REFUSED (-611)

/**
 * An endpoint of the server answered an upload with an error status, or sends it elsewhere; the message has its
 * words.
 */
#define FTR_E_HTTP_REFUSED (-612)

/**
 * The component's bytes are in no place from which they can be downloaded. The message names where it is registered.
 */
#define FTR_E_NO_LOCATION (-613)

/** The storage refused the bytes. */
#define FTR_E_STORAGE_REFUSED (-701)

/** The upload address expired before all bytes were sent, also after asking for a new one. */
#define FTR_E_STORAGE_EXPIRED (-702)

/** The storage failed (5xx) or broke the connection, for as long as it was tried. */
#define FTR_E_STORAGE_UNAVAILABLE (-703)

/** The storage holds something else than was sent. Nothing was published. */
#define FTR_E_STORAGE_MISMATCH (-704)

/** The file is neither a movie nor an image that this library knows. */
#define FTR_E_NOT_MEDIA (-801)

/** The movie is cut off or damaged: its index is missing or makes no sense. */
#define FTR_E_MOVIE_DAMAGED (-802)

/** The movie has no picture. */
#define FTR_E_MOVIE_NO_VIDEO (-803)

/** Browsers do not play the movie's codec. Encode it as H.264. */
#define FTR_E_MOVIE_CODEC (-804)

/** Browsers do not play the movie's pixel format. Encode it with -pix_fmt yuv420p. */
#define FTR_E_MOVIE_PIXEL_FORMAT (-805)

/** Width or height is odd. Scale or pad it to even numbers. */
#define FTR_E_MOVIE_ODD_SIZE (-806)

/**
 * The movie is fragmented, so that length and frames are unknown. Write it in one piece, with -movflags +faststart.
 */
#define FTR_E_MOVIE_FRAGMENTED (-807)

/** The container is one that browsers do not play, such as mxf or avi. Write an mp4. */
#define FTR_E_MOVIE_CONTAINER (-808)

/** The image is damaged. */
#define FTR_E_IMAGE_DAMAGED (-809)

/** The thumbnail is not a jpg or png. */
#define FTR_E_BAD_THUMBNAIL (-810)

/**
 * Frames of the sequence are missing, empty or damaged. The message names them. Render them, or choose what is shown
 * in their place.
 */
#define FTR_E_SEQUENCE_HOLES (-811)

/** There is one frame where a sequence was meant. Render the others, or publish the one as an image. */
#define FTR_E_SEQUENCE_SINGLE (-812)

/** There is no frame of the sequence. */
#define FTR_E_SEQUENCE_EMPTY (-813)

/**
 * Frames of the sequence differ in size or kind, or the files that were named are not of one sequence. The message
 * names two of them.
 */
#define FTR_E_SEQUENCE_MIXED (-814)

/**
 * The values are scene-linear, log or HDR, and how they shall look is not said. Give a LUT, or a movie that was made
 * through OCIO.
 * The image or sequence is scene-linear or logarithmic: how it should look is not in it. Give a LUT, or publish a
 * proxy made with OCIO.
 */
#define FTR_E_SCENE_LINEAR (-815)

/**
 * A movie must be made or a frame taken, and there is no ffmpeg for it, or one that cannot do it. The message says
 * where was looked, and what is missing.
 */
#define FTR_E_FFMPEG_MISSING (-816)

/**
 * ffmpeg failed, or what it made is not what was asked for. The message has its last lines. Nothing is left of the
 * file.
 */
#define FTR_E_FFMPEG_FAILED (-817)

/** ffmpeg made no progress for so long that it was stopped. Nothing is left of the file. */
#define FTR_E_FFMPEG_STALLED (-818)

/** The server could not encode the file; the message has its words. Nothing of the publish is left. */
#define FTR_E_ENCODE_FAILED (-819)

/**
 * The server has not encoded the file in the time allowed, and may do so later: the version is there, and shows its
 * media then. Look at the server's jobs.
 */
#define FTR_E_ENCODE_STUCK (-820)

/**
 * The server does not encode: it is too old, or its administrator has switched it off. Publish an mp4 (H.264), jpg or
 * png.
 */
#define FTR_E_ENCODE_UNSUPPORTED (-821)

/**
 * The renditions of one publish are not of one movie: they differ in length, rate or shape, or two have the same
 * height. The message names both.
 */
#define FTR_E_RENDITIONS_DIFFER (-822)

/**
 * Frames, or a still, are to become a movie and no rate was given, or one that is none: set
 * ftr_publish_options.frame_rate.
 */
#define FTR_E_FRAME_RATE_NEEDED (-823)

/**
 * A file of the publish is not what its role says, or nothing tells what it is to be beside the others. Give each
 * file a role that fits.
 */
#define FTR_E_BAD_ROLE (-824)

/** No context was given, and none of FTRACK_CONTEXTID, FTRACK_TASKID, FTRACK_SHOTID is set. */
#define FTR_E_NO_CONTEXT (-851)

/** The context is not on the server. The message names the part that was not found, and what is there. */
#define FTR_E_UNKNOWN_CONTEXT (-852)

/** The context's names fit more than one entity. Give an id. */
#define FTR_E_AMBIGUOUS_CONTEXT (-853)

/** The project has no such status for versions. The message names those it has. */
#define FTR_E_UNKNOWN_STATUS (-854)

/** There is no such asset type. The message names those there are. */
#define FTR_E_UNKNOWN_ASSET_TYPE (-855)

/** There is no such user, or this one may not see it. */
#define FTR_E_UNKNOWN_USER (-856)

/** The project has no such list of versions. The message names those it has; FTR_PUBLISH_CREATE_LISTS makes it. */
#define FTR_E_UNKNOWN_LIST (-857)

/** There is no such label for notes. The message names those there are. */
#define FTR_E_UNKNOWN_LABEL (-858)

/** Versions have no custom attribute with this key. The message names those they have. */
#define FTR_E_UNKNOWN_ATTRIBUTE (-859)

/**
 * The project has no such review session. The message names those it has; FTR_PUBLISH_CREATE_REVIEW_SESSION makes it.
 */
#define FTR_E_UNKNOWN_REVIEW_SESSION (-860)

/** An invitee has a mail address that cannot be one. */
#define FTR_E_BAD_INVITEE (-861)

/** There is no version with this id, or this user may not see it. */
#define FTR_E_UNKNOWN_VERSION (-862)

/** The context is no version, and FTR_PUBLISH_INTO_VERSION needs one: give a version's id. */
#define FTR_E_NOT_A_VERSION (-863)

/** The context is no task, and what was asked for needs one. */
#define FTR_E_NO_TASK (-864)

/** A defect in this library: please report it with the message. */
#define FTR_E_INTERNAL (-901)

/** A panic was caught at the boundary; the session that it happened in goes on as far as it can. Please report it. */
#define FTR_E_PANIC (-902)

/** The operating system gave no thread, descriptor or memory. */
#define FTR_E_OUT_OF_RESOURCES (-903)


/**
 * The version of the ABI that this header describes. It only grows: a program built with version n works with every
 * library whose ftr_abi_version() is n or more.
 */
#define FTR_ABI_VERSION 1

/** Success. Functions that count return the count instead, which is never negative. */
#define FTR_OK 0

/** As a timeout: no limit. As any timeout, 0 is "do not wait". */
#define FTR_NO_TIMEOUT (-1)

/** Class of an error: the call was wrong, fix the program. */
#define FTR_CLASS_MISUSE 1

/** Class of an error: not possible in the present state, such as closed, full, cancelled. */
#define FTR_CLASS_STATE 2

/** Class of an error: the session's settings are wrong or missing. */
#define FTR_CLASS_CONFIGURATION 3

/** Class of an error: the file on disk is the reason. */
#define FTR_CLASS_FILE 4

/** Class of an error: the network, or something in it, is the reason. */
#define FTR_CLASS_NETWORK 5

/** Class of an error: the ftrack server answered, and said no. */
#define FTR_CLASS_SERVER 6

/** Class of an error: the storage that holds the media said no. */
#define FTR_CLASS_STORAGE 7

/** Class of an error: what the file contains cannot be reviewed as it is. */
#define FTR_CLASS_MEDIA 8

/** Class of an error: the publish asks for something that the project does not have. */
#define FTR_CLASS_PUBLISH 9

/** Class of an error: a defect in this library; please report it. */
#define FTR_CLASS_INTERNAL 10

/** The session has no answer from the server yet. */
#define FTR_STATUS_CONNECTING 1

/** The server answers and knows the user. */
#define FTR_STATUS_READY 2

/** The server refuses the user and key. */
#define FTR_STATUS_UNAUTHORISED 3

/**
 * No answer: unknown name, nothing listening, no network, or a server that fails. This and the next three are tried
 * again in the background, until the session ends.
 */
#define FTR_STATUS_UNREACHABLE 4

/** No trusted encrypted connection could be made. */
#define FTR_STATUS_TLS_FAILED 5

/** The proxy is the reason. */
#define FTR_STATUS_PROXY_FAILED 6

/** What answers at the URL is no ftrack server. */
#define FTR_STATUS_WRONG_SERVER 7

/** The session's own settings are the reason, such as a CA file that cannot be read. */
#define FTR_STATUS_MISCONFIGURED 8

/** The session was closed. */
#define FTR_STATUS_CLOSED 9

/** The job has not ended: the state of the result in an FTR_EVENT_VERSION_CREATED. */
#define FTR_JOB_RUNNING 0

/** The job did all that was asked. */
#define FTR_JOB_DONE 1

/** The job failed; its error says why. */
#define FTR_JOB_FAILED 2

/** The job was cancelled. */
#define FTR_JOB_CANCELLED 3

/**
 * The job ended for now and stays in the outbox, where this session, another one or ftr_outbox_resume goes on with
 * it; its error says why.
 */
#define FTR_JOB_PARKED 4

/** Accepted, and not begun. */
#define FTR_STAGE_ACCEPTED 1

/** The file is looked at; nothing was sent. */
#define FTR_STAGE_CHECKING 2

/** Names become ids; nothing was created. */
#define FTR_STAGE_RESOLVING 3

/** Bytes go to storage; no reviewer sees anything yet. */
#define FTR_STAGE_UPLOADING 4

/** The version is created and given its media. From here on a job is not cancelled any more. */
#define FTR_STAGE_VERSIONING 5

/** What comes after the version. */
#define FTR_STAGE_FINISHING 6

/** Others are told. */
#define FTR_STAGE_ANNOUNCING 7

/** Bytes come from storage. */
#define FTR_STAGE_DOWNLOADING 8

/** Entities and their bytes are removed from the server. From here on a job is not cancelled any more. */
#define FTR_STAGE_REMOVING 9

/**
 * Of FTR_MODE_ENCODE, between FTR_STAGE_VERSIONING and FTR_STAGE_FINISHING: the server encodes. Cancelling still
 * takes everything back.
 */
#define FTR_STAGE_ENCODING 10

/**
 * ffmpeg makes media on this machine, between FTR_STAGE_RESOLVING and FTR_STAGE_UPLOADING. ftr_job_pause does not
 * hold it, cancelling stops it at once.
 */
#define FTR_STAGE_TRANSCODING 11

/** The session's status changed: see ftr_event_info.status and .error. Only the latest is kept. */
#define FTR_EVENT_STATUS 1

/** How far a job is: see .progress. Only the latest of a job is kept, at most ten a second. */
#define FTR_EVENT_PROGRESS 2

/** The version exists on the server: see .result. Comes before the job's end. */
#define FTR_EVENT_VERSION_CREATED 3

/** A job's end: see .result. Exactly one for each accepted job. */
#define FTR_EVENT_JOB_ENDED 4

/** A log line: see .log. */
#define FTR_EVENT_LOG 5

/** Log lines were dropped because nobody polled: see .dropped. */
#define FTR_EVENT_DROPPED 6

/** Whether the event hub is connected has changed: see .status (FTR_HUB_*) and .error. Only the latest is kept. */
#define FTR_EVENT_HUB_STATUS 7

/** An event of the hub, for one subscription: see .subscription and .hub. */
#define FTR_EVENT_HUB 8

/** A reply to an event that was published with ftr_hub_publish: see .hub and .tag. */
#define FTR_EVENT_HUB_REPLY 9

/**
 * The end of an event that was published with ftr_hub_publish; exactly one for each. .error is NULL when the server
 * has it, and when the replies came that were waited for.
 */
#define FTR_EVENT_HUB_PUBLISHED 10

/**
 * The server refuses a subscription: see .subscription and .error. It stays, and is asked for again by the next
 * connection.
 */
#define FTR_EVENT_HUB_REFUSED 11

/**
 * Events of the hub were dropped because nobody polled, the oldest first: see .dropped. More than 4096, or 32 MiB,
 * were waiting.
 */
#define FTR_EVENT_HUB_DROPPED 12

/** A reviewer did something to what ftr_session_watch watches: see .watch and .review. */
#define FTR_EVENT_REVIEW 13

/** A job is in the outbox: from here on it survives the end of this process; see .result and its outbox_id. */
#define FTR_EVENT_JOB_KEPT 14

/**
 * A publish from the outbox goes on as a job of this session, which the host did not submit: see .job, .tag and
 * .result. Its other events follow. The handle ends with ftr_job_free or ftr_session_free.
 */
#define FTR_EVENT_JOB_RESUMED 15

/** A publish in the outbox waits for its next try. */
#define FTR_OUTBOX_WAITING 1

/** A publish in the outbox is being worked on, in this process or another. */
#define FTR_OUTBOX_RUNNING 2

/**
 * A publish in the outbox has failed for good: .error_message says why. It stays until ftr_outbox_retry or
 * ftr_outbox_forget, or until the outbox is full.
 */
#define FTR_OUTBOX_FAILED 3

/** A publish in the outbox was cancelled or has failed, and what it made on the server is still to be removed. */
#define FTR_OUTBOX_UNDOING 4

/**
 * An item of the outbox cannot be read, because the disk or somebody has changed its files. ftr_outbox_forget removes
 * it.
 */
#define FTR_OUTBOX_DAMAGED 5

/** An item of the outbox was written by a newer version of the library, which can go on with it. */
#define FTR_OUTBOX_NEWER 6

/** A note was written: ftr_review.text and .frame. */
#define FTR_REVIEW_NOTE 1

/** The version has another status, named in .text, which is neither of the next two. */
#define FTR_REVIEW_STATUS 2

/** Approved: in a review session, or by a status whose name says so, which .text has. */
#define FTR_REVIEW_APPROVED 3

/** Changes are required: in a review session, or by a status whose name says so, which .text has. */
#define FTR_REVIEW_CHANGES_REQUIRED 4

/** There are new media for the web player, named in .text: the server has encoded them, or somebody added them. */
#define FTR_REVIEW_ENCODED 5

/** The version has another thumbnail: .id is the component. */
#define FTR_REVIEW_THUMBNAIL 6

/** No connection to the event hub, because nobody asked for one. */
#define FTR_HUB_OFF 1

/** The connection to the event hub is being made, for the first time or again; this goes on until it is there. */
#define FTR_HUB_CONNECTING 2

/** Events come and go. */
#define FTR_HUB_CONNECTED 3

/** The server does not accept the user and key, or the session's settings are wrong. ftr_hub_connect tries again. */
#define FTR_HUB_UNACCEPTED 4

/** Log nothing. */
#define FTR_LOG_OFF 0

/** Log what failed. */
#define FTR_LOG_ERROR 1

/** Log also what went on, but not as it should. The level of FTR_SESSION_OPTIONS_INIT. */
#define FTR_LOG_WARNING 2

/** Log also each step of the work. */
#define FTR_LOG_INFO 3

/** Log also each request, with its duration. */
#define FTR_LOG_DEBUG 4

/** Log everything. */
#define FTR_LOG_TRACE 5

/** In ftr_session_options.flags: ask the server for its strict mode, with real HTTP status codes. */
#define FTR_SESSION_STRICT_API 1

/** In ftr_session_options.flags: connect to the event hub in the background, as ftr_hub_connect does. */
#define FTR_SESSION_AUTO_CONNECT_EVENT_HUB 2

/**
 * In ftr_session_options.flags: keep publishes in the user's own outbox, which all programs of the user share:
 * $XDG_STATE_HOME/ftreview/outbox, where that is not set ~/.local/state/ftreview/outbox; on macOS
 * ~/Library/Application Support/ftreview/outbox; on Windows %LOCALAPPDATA%\ftreview\outbox.
 */
#define FTR_SESSION_OUTBOX 4

/**
 * In ftr_session_options.flags: nothing of the outbox is gone on with by itself, only by ftr_outbox_resume and
 * ftr_outbox_retry.
 */
#define FTR_SESSION_OUTBOX_MANUAL 8

/**
 * In ftr_hub_publish_options.flags: the event is only for subscriptions of the same session, and needs no connection.
 */
#define FTR_HUB_LOCAL 1

/** In ftr_watch_options.flags: watch what this session has published, and what it will publish. */
#define FTR_WATCH_PUBLISHED 1

/**
 * In ftr_publish_options.flags: leave width and height out of the movie's ftr_meta. ftrack's documentation asks for
 * them; some servers were seen not to play a movie that has them.
 */
#define FTR_PUBLISH_META_WITHOUT_SIZE 1

/**
 * In ftr_publish_options.flags: the outbox keeps a copy of the files, so that they may change or vanish once
 * FTR_EVENT_JOB_KEPT has come. Takes as much disk until the publish has ended; without an outbox it means nothing.
 */
#define FTR_PUBLISH_COPY_SOURCE 2

/**
 * In ftr_http_upload_options.flags: without the user, key, headers and cookies of the session; then the address may
 * be of any server.
 */
#define FTR_HTTP_UPLOAD_NO_AUTH 1

/**
 * In ftr_http_upload_options.flags: the endpoint may get the same file twice without harm, so that a request whose
 * answer was lost is sent again.
 */
#define FTR_HTTP_UPLOAD_REPEATABLE 2

/** In ftr_http_upload_options.flags: PUT instead of POST. */
#define FTR_HTTP_UPLOAD_PUT 4

/** In ftr_download_options.flags: what is at the path is replaced, when the whole component is there. */
#define FTR_DOWNLOAD_OVERWRITE 1

/** In ftr_remove_options.flags: what is not there (any more) is no failure. */
#define FTR_REMOVE_MISSING_OK 1

/** In ftr_publish_options.flags: the version's thumbnail becomes the task's, too. It is uploaded once. */
#define FTR_PUBLISH_TASK_THUMBNAIL 256

/**
 * In ftr_publish_options.flags: the version's thumbnail becomes that of the asset's parent, too, such as the shot.
 */
#define FTR_PUBLISH_PARENT_THUMBNAIL 512

/**
 * In ftr_publish_options.flags: `path` is a sequence also where it is the name of one frame; the others are looked
 * for beside it.
 */
#define FTR_PUBLISH_SEQUENCE 1024

/**
 * In ftr_publish_options.flags: the values of the media are made for a display, whatever the files say, such as EXR
 * frames that went through a view transform. They are not refused with FTR_E_SCENE_LINEAR.
 */
#define FTR_PUBLISH_DISPLAY_REFERRED 2048

/** As ftr_publish_options.holes: the publish fails with FTR_E_SEQUENCE_HOLES. */
#define FTR_HOLES_REFUSE 0

/** As ftr_publish_options.holes: the frame before is shown in their place, so that all others keep their time. */
#define FTR_HOLES_HOLD 1

/** As ftr_publish_options.holes: they are left out, and the movie is shorter. */
#define FTR_HOLES_LEAVE_OUT 2

/** In ftr_publish_options.renditions: 720 lines. */
#define FTR_RENDITION_720 1

/** In ftr_publish_options.renditions: 1080 lines. */
#define FTR_RENDITION_1080 2

/** In ftr_publish_options.renditions: 1440 lines. */
#define FTR_RENDITION_1440 4

/** In ftr_publish_options.renditions: 2160 lines. */
#define FTR_RENDITION_2160 8

/** As ftr_publish_options.meta_frame_out: the number of the last frame, so that 100 frames from 0 end with 99. */
#define FTR_META_FRAME_OUT_LAST 0

/** As ftr_publish_options.meta_frame_out: one more than that, which some servers and studios expect: 100. */
#define FTR_META_FRAME_OUT_COUNT 1

/**
 * Role of a file: what its content says. Movies and images are reviewed; an image beside a movie is its thumbnail.
 */
#define FTR_ROLE_AUTO 0

/** Role of a file: a movie that reviewers open, in another size than the main one. */
#define FTR_ROLE_MOVIE 1

/** Role of a file: an image that reviewers open, in another size than the main one. */
#define FTR_ROLE_IMAGE 2

/** Role of a file: a PDF document that reviewers open. */
#define FTR_ROLE_PDF 3

/** Role of a file: the thumbnail, as ftr_publish_options.thumbnail. */
#define FTR_ROLE_THUMBNAIL 4

/** Role of a file: a component that is uploaded as it is, whatever is in it. */
#define FTR_ROLE_COMPONENT 5

/**
 * Role of a file: a component of which ftrack is told the path, in its location "ftrack.unmanaged". Nothing is
 * uploaded. A folder is allowed.
 */
#define FTR_ROLE_UNMANAGED 6

/**
 * Role of a file: a sequence of frames, as a SequenceComponent with a member for each frame. ftrack is told their
 * paths, unless FTR_FILE_UPLOAD_FRAMES is set.
 */
#define FTR_ROLE_SEQUENCE 7

/** In ftr_publish_file.flags: the frames of FTR_ROLE_SEQUENCE are uploaded. */
#define FTR_FILE_UPLOAD_FRAMES 1

/** In ftr_publish_options.flags: make the lists in ftr_publish_options.lists that are not there. */
#define FTR_PUBLISH_CREATE_LISTS 4

/**
 * In ftr_publish_options.flags: make the review session in ftr_publish_options.review_session where it is not there.
 */
#define FTR_PUBLISH_CREATE_REVIEW_SESSION 8

/** In ftr_publish_options.flags: invitees are added to the review session and get no mail. */
#define FTR_PUBLISH_DO_NOT_INVITE 16

/**
 * In ftr_publish_options.flags: the context is the id of a version, and that version gets the media: no new one is
 * made. The new media are added before the earlier ones are removed, so that it is never without. Its comment,
 * status, user and thumbnail change where they are given. A publish that fails leaves the version as it was.
 */
#define FTR_PUBLISH_INTO_VERSION 32

/** In ftr_publish_options.flags: make the asset type in ftr_publish_options.asset_type where it is not there. */
#define FTR_PUBLISH_CREATE_ASSET_TYPE 64

/**
 * In ftr_publish_options.flags: with FTR_MODE_ENCODE, the version keeps the source as a component besides what is
 * made of it. Without it the server deletes the source when it has encoded it.
 */
#define FTR_PUBLISH_KEEP_ORIGINAL 128

/**
 * In ftr_publish_options.mode: the library chooses. What browsers play is published as it is; of the rest ffmpeg
 * makes an mp4 or jpg, as FTR_MODE_TRANSCODE does; where there is no ffmpeg, the server encodes a movie, as
 * FTR_MODE_ENCODE does. What was chosen, and why, is a warning of the result.
 */
#define FTR_MODE_AUTO 0

/** In ftr_publish_options.mode: the file is published as it is, and one that browsers do not play is refused. */
#define FTR_MODE_DIRECT 1

/**
 * In ftr_publish_options.mode: the file is uploaded, and the server encodes it. The version is there from the
 * beginning and shows its media when the server is done: see FTR_STAGE_ENCODING.
 */
#define FTR_MODE_ENCODE 2

/**
 * In ftr_publish_options.mode: ffmpeg on this machine makes a movie of the movie or frames, or a jpg of the still,
 * which is published; also where browsers would play the file as it is. See ftr_session_options.ffmpeg_path, and
 * ftr_publish_options.renditions, .frame_rate, .ffmpeg_arguments, .lut and .holes.
 */
#define FTR_MODE_TRANSCODE 3

/**
 * In ftr_session_options.upload_verify: the MD5 of what is sent is computed on the way, and compared with the ETag
 * that the storage answers where that is an MD5; else the job says so as a warning. Costs one core a second for 0.9
 * GB.
 */
#define FTR_VERIFY_ETAG 0

/**
 * Nothing is computed: what was put together of parts is compared by its size, and the rest is what the storage
 * checks by itself.
 */
#define FTR_VERIFY_OFF 1

/**
 * As FTR_VERIFY_ETAG, and files of up to 16 MiB, which go up in one request, are read beforehand so that the storage
 * is told their MD5 (Content-MD5) and refuses other bytes.
 */
#define FTR_VERIFY_CONTENT_MD5 2

/**
 * Files are read and sent in blocks of this many bytes: the least that ftr_session_options.upload_memory_bytes may
 * be.
 */
#define FTR_BLOCK_SIZE 1048576

/** An accepted piece of work of a session. 0 is none. */
typedef uint64_t ftr_job;

/** How far one file of a job is. */
typedef struct ftr_file_progress {
    /** How much of this struct the library filled, in bytes. */
    uint32_t struct_size;
    /** Not used; 0. */
    uint32_t reserved;
    /** The file's name, without folders. */
    const char *name;
    /** As in ftr_progress. */
    uint64_t bytes_done;
    /** As in ftr_progress. */
    uint64_t bytes_stored;
    /** Bytes of the file. */
    uint64_t bytes_total;
} ftr_file_progress;

/** How far a job is. */
typedef struct ftr_progress {
    /** How much of this struct the library filled, in bytes. */
    uint32_t struct_size;
    /** FTR_STAGE_*: what it is doing. */
    int32_t stage;
    /** The job. */
    ftr_job job;
    /** The tag in the options of the job. */
    uint64_t tag;
    /**
     * Bytes of all the job's files together that have left this machine. Never goes back: while bytes are sent again,
     * it rests.
     */
    uint64_t bytes_done;
    /** Bytes to send; 0 until the files were looked at. */
    uint64_t bytes_total;
    /** Recent speed; 0 until there is one. */
    double bytes_per_second;
    /** Time left at that speed, or -1 until there is one. */
    int64_t remaining_ms;
    /** Of bytes_done, what the storage has confirmed: the rest has left this machine and is on its way. */
    uint64_t bytes_stored;
    /** 1 while the job is paused by ftr_job_pause, else 0. */
    int32_t paused;
    /** Not used; 0. */
    int32_t reserved;
    /**
     * Each file of the job: `file_count` structs, one after the other, files[0].struct_size bytes apart. NULL until
     * the files were looked at.
     */
    const struct ftr_file_progress *files;
    /** How many files there are. */
    uint64_t file_count;
    /** Frames that ffmpeg has made, of FTR_STAGE_TRANSCODING; all renditions together. */
    uint64_t frames_done;
    /** Frames that it is to make; 0 where that is not known. */
    uint64_t frames_total;
} ftr_progress;

/** Called inside ftr_session_poll_events for FTR_EVENT_PROGRESS. The struct is valid during the call. */
typedef void (*ftr_progress_callback)(void *user_data, const struct ftr_progress *progress);

/**
 * What went wrong. Made by the library; every text is UTF-8 and safe to show: no key, no password, no upload address
 * is in it.
 */
typedef struct ftr_error {
    /** How much of this struct the library filled, in bytes. */
    uint32_t struct_size;
    /** FTR_E_*: what happened. */
    int32_t code;
    /**
     * FTR_CLASS_*: what kind of failure it is. Decide by this, `retryable` and `http_status` rather than by a list of
     * codes.
     */
    int32_t error_class;
    /** FTR_STAGE_*: where in a publish it happened; 0 outside of one. */
    int32_t stage;
    /** 1 if the same may succeed later with nothing changed, else 0. */
    int32_t retryable;
    /** The HTTP status, or 0 where there was no answer. */
    int32_t http_status;
    /** How long the server asked to wait, or -1 where it did not. */
    int64_t retry_after_ms;
    /** For people: what, with which value, and what to do next. Never NULL. */
    const char *message;
    /** The server's exception, such as "ValidationError", or NULL. */
    const char *exception;
    /** The server's error_code, such as "api_credentials_invalid", or NULL. */
    const char *server_code;
    /**
     * 1 if it is not known whether the server did the work, because its answer was lost: look there before you ask
     * for the same again. Else 0.
     */
    int32_t outcome_unknown;
    /** Not used; 0. */
    int32_t reserved;
} ftr_error;

/**
 * What a job made, and how it ended. Ids are ftrack's. A text that is not known (yet) is NULL; when a job failed,
 * what is there exists on the server.
 */
typedef struct ftr_job_result {
    /** How much of this struct the library filled, in bytes. */
    uint32_t struct_size;
    /** FTR_JOB_*: how it ended. */
    int32_t state;
    /** The job. */
    ftr_job job;
    /** The tag in the options of the job. */
    uint64_t tag;
    /** Why it is not done; NULL when it is. */
    const struct ftr_error *error;
    /** The project. */
    const char *project_id;
    /** The asset's parent: a shot, an asset build, a sequence, or the project. */
    const char *parent_id;
    /** The task that the version is linked to. */
    const char *task_id;
    /** The asset, found or created. */
    const char *asset_id;
    /** The asset's name. */
    const char *asset_name;
    /** The asset version. */
    const char *version_id;
    /** The number that the server gave the version, or -1. */
    int64_t version_number;
    /** The component that reviewers open. */
    const char *component_id;
    /** Its name: "ftrackreview-mp4", "ftrackreview-image", or that of a document. */
    const char *component_name;
    /** The thumbnail's component. */
    const char *thumbnail_id;
    /** The address at which a browser opens the version. */
    const char *link;
    /** What went on, but not as it should: `warning_count` texts, each a sentence with its remedy. */
    const char *const *warnings;
    /** How many warnings there are. */
    uint64_t warning_count;
    /**
     * The job's item in the outbox, or NULL: of a job that is kept there, and of one that ended as FTR_JOB_PARKED.
     */
    const char *outbox_id;
    /**
     * Of ftr_session_http_upload: what the endpoint answered, mostly JSON. Of ftr_session_remove: the text of a JSON
     * object whose "removed" is a list of what was removed. Else NULL.
     */
    const char *answer;
    /** Of ftr_session_http_upload: the HTTP status of that answer. Else 0. */
    int32_t http_status;
    /** Not used; 0. */
    int32_t reserved;
    /** The note that was written. */
    const char *note_id;
    /** The review session that shows the version, found or made. */
    const char *review_session_id;
    /** The server's job that encodes or has encoded the media, of FTR_MODE_ENCODE. */
    const char *encode_job_id;
    /**
     * Every component that the job has given the version, as the text of a JSON array such as [{"id": "...", "name":
     * "ftrackreview-mp4", "location_id": "..."}], the one that reviewers open first. NULL until there are some.
     */
    const char *components;
} ftr_job_result;

/** Called inside ftr_session_poll_events for FTR_EVENT_JOB_ENDED. The struct is valid during the call. */
typedef void (*ftr_job_callback)(void *user_data, const struct ftr_job_result *result);

/** A session: one server, one user. 0 is none. */
typedef uint64_t ftr_session;

/** A log line. */
typedef struct ftr_log_line {
    /** How much of this struct the library filled, in bytes. */
    uint32_t struct_size;
    /** FTR_LOG_*: how much it matters. */
    int32_t level;
    /** When it was said, in milliseconds since 1970-01-01 UTC. */
    int64_t time_ms;
    /** The part of the library that says it. */
    const char *target;
    /** What happened. */
    const char *message;
} ftr_log_line;

/** A subscription to events of the hub. 0 is none. */
typedef uint64_t ftr_subscription;

/** An event of the hub, from others or from this session. Its texts are never NULL but for `in_reply_to`. */
typedef struct ftr_hub_event {
    /** How much of this struct the library filled, in bytes. */
    uint32_t struct_size;
    /** Not used; 0. */
    uint32_t reserved;
    /** What it is about, such as "ftrack.update". */
    const char *topic;
    /** Its own id. */
    const char *id;
    /** Who sent it, for ftr_hub_reply; "" where it does not say. */
    const char *source_id;
    /** What it says: the text of a JSON object; of a reply, of any JSON value. */
    const char *data;
    /**
     * All that it says of its sender: the text of a JSON object, with "id" and, mostly, "user" and "applicationId".
     */
    const char *source;
    /** For whom it is: an expression, or "" for everybody. */
    const char *target;
    /** The id of the event that it answers, or NULL. */
    const char *in_reply_to;
} ftr_hub_event;

/** A watch on what reviewers do. 0 is none. */
typedef uint64_t ftr_watch;

/** What a reviewer did. Ids are ftrack's. */
typedef struct ftr_review {
    /** How much of this struct the library filled, in bytes. */
    uint32_t struct_size;
    /** FTR_REVIEW_*: what was done. Ignore what you do not know: later versions add some. */
    int32_t deed;
    /** The version. Never NULL. */
    const char *version_id;
    /** The review session in which it was done, or NULL. */
    const char *review_session_id;
    /** The note, the status, the answer in the review session, or the component. Never NULL. */
    const char *id;
    /** The note's text, the name of the status, or the component's name. Never NULL. */
    const char *text;
    /** Who wrote the note or gave the answer, as far as the server tells, or NULL. */
    const char *author;
    /** The note that this one answers, or NULL. */
    const char *in_reply_to;
    /** The note's frame, or -1. */
    int64_t frame;
} ftr_review;

/** An event of any kind. The pointers that a kind does not name are NULL. */
typedef struct ftr_event_info {
    /** How much of this struct the library filled, in bytes. */
    uint32_t struct_size;
    /** FTR_EVENT_*. Ignore kinds that you do not know: later versions add some. */
    int32_t kind;
    /** The session. */
    ftr_session session;
    /** The job, or 0. */
    ftr_job job;
    /** The tag in the options of the job, subscription or hub event, or 0. */
    uint64_t tag;
    /** FTR_STATUS_*, of FTR_EVENT_STATUS; FTR_HUB_*, of FTR_EVENT_HUB_STATUS. */
    int32_t status;
    /** Not used; 0. */
    int32_t reserved;
    /**
     * Why the status is not good, of FTR_EVENT_STATUS and FTR_EVENT_HUB_STATUS; why an event or a subscription
     * failed, of FTR_EVENT_HUB_PUBLISHED and FTR_EVENT_HUB_REFUSED.
     */
    const struct ftr_error *error;
    /** Of FTR_EVENT_PROGRESS. */
    const struct ftr_progress *progress;
    /** Of FTR_EVENT_VERSION_CREATED and FTR_EVENT_JOB_ENDED. */
    const struct ftr_job_result *result;
    /** Of FTR_EVENT_LOG. */
    const struct ftr_log_line *log;
    /** How many log lines were lost, of FTR_EVENT_DROPPED; how many events of the hub, of FTR_EVENT_HUB_DROPPED. */
    uint64_t dropped;
    /** Of FTR_EVENT_HUB and FTR_EVENT_HUB_REFUSED, or 0. */
    ftr_subscription subscription;
    /**
     * Of FTR_EVENT_HUB and FTR_EVENT_HUB_REPLY: the event. Of FTR_EVENT_HUB_PUBLISHED: the event's id, and ""
     * otherwise.
     */
    const struct ftr_hub_event *hub;
    /** Of FTR_EVENT_REVIEW, or 0. */
    ftr_watch watch;
    /** Of FTR_EVENT_REVIEW. */
    const struct ftr_review *review;
} ftr_event_info;

/**
 * Called inside ftr_session_poll_events for every event that has no callback of its own. The struct is valid during
 * the call.
 */
typedef void (*ftr_event_callback)(void *user_data, const struct ftr_event_info *event);

/** Called inside ftr_session_poll_events for FTR_EVENT_LOG. The struct is valid during the call. */
typedef void (*ftr_log_callback)(void *user_data, const struct ftr_log_line *line);

/**
 * How to reach a server, and what to call. Begin with FTR_SESSION_OPTIONS_INIT. Everything is copied by
 * ftr_session_create, but for user_data.
 */
typedef struct ftr_session_options {
    /** sizeof(ftr_session_options), set by the INIT macro. */
    uint32_t struct_size;
    /** FTR_SESSION_* flags, or 0. */
    uint32_t flags;
    /** Such as "https://studio.ftrackapp.com". NULL: FTRACK_SERVER. */
    const char *server_url;
    /** The user's or a global API key. NULL: FTRACK_API_KEY, then FTRACK_APIKEY. */
    const char *api_key;
    /** The user's name, not id. NULL: FTRACK_API_USER, then the name of the operating system's user. */
    const char *api_user;
    /** How long one API request may take, in milliseconds. 0: 60 seconds. */
    int32_t timeout_ms;
    /** How long reaching a server may take, in milliseconds. 0: 10 seconds. */
    int32_t connect_timeout_ms;
    /**
     * More headers for API requests, as the text of a JSON object of strings. They go to no other origin than the
     * server's. NULL: none.
     */
    const char *headers;
    /** Cookies for API requests, as the text of a JSON object of strings. NULL: none. */
    const char *cookies;
    /**
     * Such as "http://user:password@proxy.studio:3128". NULL: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY. "": no
     * proxy.
     */
    const char *proxy;
    /**
     * A PEM file with certificates to trust besides those of the operating system and of SSL_CERT_FILE, SSL_CERT_DIR
     * and REQUESTS_CA_BUNDLE. NULL: none.
     */
    const char *ca_file;
    /** FTR_LOG_*: which log lines are made. */
    int32_t log_level;
    /** Not used; 0. */
    uint32_t reserved;
    /** Handed to the callbacks below. Not touched. */
    void *user_data;
    /** Or NULL. */
    ftr_progress_callback on_progress;
    /** Or NULL. */
    ftr_job_callback on_job;
    /** Or NULL. Gets every event whose own callback is NULL. */
    ftr_event_callback on_event;
    /** Or NULL. */
    ftr_log_callback on_log;
    /**
     * The memory that file contents on their way may take, in bytes, for all uploads of the session together; at
     * least FTR_BLOCK_SIZE. 0: 32 MiB.
     */
    uint64_t upload_memory_bytes;
    /** A cap on the bytes a second of all uploads together; see ftr_session_set_upload_rate. 0: no cap. */
    uint64_t upload_bytes_per_second;
    /**
     * How many files larger than 16 MiB are uploaded at once, 1 to 64; as many smaller ones go beside them, so that a
     * still does not wait for films. 0: 4.
     */
    int32_t parallel_uploads;
    /**
     * How many requests an upload that is alone makes at once, 1 to 64. 0: 6 to begin with, and up to 16 while more
     * make it faster. Never more than upload_memory_bytes has blocks.
     */
    int32_t upload_connections;
    /** FTR_VERIFY_*: how what arrived is compared with the file. */
    int32_t upload_verify;
    /** Not used; 0. */
    int32_t reserved2;
    /**
     * A folder in which unfinished uploads of publishes with an idempotency_key are noted, so that another try, also
     * in another process, sends only what is missing; made when it is not there. Small files of which nobody else may
     * read any; no secret is in them. NULL: nothing is noted.
     */
    const char *journal_folder;
    /**
     * The outbox: a folder in which every publish is kept until it has ended, so that it survives being offline, the
     * end of this process and a reboot; made when it is not there. Any number of processes may use one folder. No
     * secret is in it. NULL: none, unless FTR_SESSION_OUTBOX is set.
     */
    const char *outbox_folder;
    /** The most publishes in the outbox. One more is published without being kept, with a warning. 0: 1000. */
    uint64_t outbox_max_items;
    /** The most bytes that copies of files in the outbox may take together (FTR_PUBLISH_COPY_SOURCE). 0: 20 GiB. */
    uint64_t outbox_max_bytes;
    /**
     * After so many seconds a publish in the outbox is not tried again by itself: it stays there as failed. 0: 30
     * days.
     */
    uint64_t outbox_max_age_s;
    /**
     * Each publish begins after a time drawn from 0 to this, in milliseconds, so that the machines of a farm that end
     * a task together do not call the server together. 0: at once.
     */
    int32_t start_spread_ms;
    /** Not used; 0. */
    int32_t reserved3;
    /**
     * The ffmpeg that makes movies and thumbnails: a path, or a name to look for on PATH. It is run as a program of
     * its own, when it is needed. NULL: "ffmpeg" on PATH. "": none is used.
     */
    const char *ffmpeg_path;
    /**
     * Where media that are made are kept until they are uploaded, in folders of their own that are removed in the
     * end; not used by publishes that are kept in an outbox. NULL: the system's folder for temporary files.
     */
    const char *work_folder;
} ftr_session_options;

/** A file that is published beside the main one. Begin with FTR_PUBLISH_FILE_INIT. */
typedef struct ftr_publish_file {
    /** sizeof(ftr_publish_file), set by the INIT macro. */
    uint32_t struct_size;
    /** FTR_FILE_* flags, or 0. */
    uint32_t flags;
    /** The file. It must not change until the job has ended. Never NULL. */
    const char *path;
    /**
     * The component's name. NULL: that of its role; of FTR_ROLE_COMPONENT and FTR_ROLE_UNMANAGED the file's name
     * without ending, of FTR_ROLE_SEQUENCE what all frames begin with. Movies and images to review have the names of
     * ftrack's player only.
     */
    const char *component_name;
    /** FTR_ROLE_*: what it is to be. */
    int32_t role;
    /** Not used; 0. */
    int32_t reserved;
} ftr_publish_file;

/**
 * What to publish, and where. Begin with FTR_PUBLISH_OPTIONS_INIT. Everything is copied by ftr_session_publish_file.
 */
typedef struct ftr_publish_options {
    /** sizeof(ftr_publish_options), set by the INIT macro. */
    uint32_t struct_size;
    /** FTR_PUBLISH_* flags, or 0. */
    uint32_t flags;
    /**
     * What is reviewed: a movie, a still, a PDF document, or a sequence of frames such as "shot.%04d.exr",
     * "shot.####.exr", "shot.$F4.exr", "shot.[1001-1100].exr" or "shot.%04d.exr [1001-1100]". It must not change
     * until the job has ended. Never NULL.
     * H.264 mp4, jpg, png and PDF are shown as they are; of others FTR_MODE_AUTO has ffmpeg make an mp4 or jpg.
     */
    const char *path;
    /**
     * Where it belongs: the id of a task, shot (or other parent), project or version, or names from the project down,
     * such as "project/sq010/sh010/compositing". NULL: FTRACK_CONTEXTID, then FTRACK_TASKID, then FTRACK_SHOTID.
     * A task's version goes to an asset of the task's parent and is linked to the task. A version's id means a
     * further version of its asset.
     */
    const char *context;
    /**
     * The asset. It is found by name, type and parent, or created. NULL: the file's name without ending and version
     * ("sh010_comp_v003.mov" is "sh010_comp").
     */
    const char *asset_name;
    /**
     * Name or short name of an asset type. One that is not there is FTR_E_UNKNOWN_ASSET_TYPE, or made with
     * FTR_PUBLISH_CREATE_ASSET_TYPE. NULL: "upload".
     */
    const char *asset_type;
    /** The version's comment. NULL: none. */
    const char *comment;
    /** The name of one of the project's version statuses, in any case. NULL: the server's choice. */
    const char *status;
    /**
     * A jpg or png to show in lists. NULL: an image beside the movie in `files`, else a still itself, else the
     * movie's middle frame, taken with ffmpeg; without ffmpeg none, which the result warns of, because ftrack shows
     * no play button on such a version.
     */
    const char *thumbnail;
    /** Any number: comes back in every event of the job. */
    uint64_t tag;
    /**
     * A text that names this publish and no other, such as the id of a farm's task: however often it is published
     * with the same one, also from other processes, there is one version. With ftr_session_options.journal_folder an
     * upload that failed goes on where it ended. NULL: each call is a publish of its own.
     */
    const char *idempotency_key;
    /**
     * The topic of the event by which others hear of the version, if the event hub is connected when the publish
     * ends. NULL: "ftreview.published".
     */
    const char *announce_topic;
    /**
     * What that event says besides the ids and the link of the version, as the text of a JSON object. NULL: nothing.
     */
    const char *announce_data;
    /** FTR_MODE_*: how the file becomes something that browsers play. */
    int32_t mode;
    /**
     * How long FTR_MODE_ENCODE waits for the server to encode, in milliseconds, before the job ends with
     * FTR_E_ENCODE_STUCK. 0: 2 hours.
     */
    int32_t encode_timeout_ms;
    /**
     * The name of a status for the task, in any case: one of those that the project has for tasks of its type. The
     * context must be a task. Set when the media are shown. NULL: it stays as it is.
     */
    const char *task_status;
    /**
     * Whose version it is: a username or an id. The user of the session needs the right to say so. NULL: the user of
     * the session.
     */
    const char *user;
    /** Versions that this one was made from, as the text of a JSON array of ids. NULL: none. */
    const char *uses_versions;
    /**
     * Lists of versions in the project that it is put into, as the text of a JSON array of names or ids. One that is
     * not there is FTR_E_UNKNOWN_LIST, or made with FTR_PUBLISH_CREATE_LISTS. NULL: none.
     */
    const char *lists;
    /**
     * Metadata of the version, as the text of a JSON object. Values that are no texts are written as JSON. NULL:
     * none.
     */
    const char *metadata;
    /**
     * Custom attributes of the version, as the text of a JSON object by their keys. A key that versions do not have
     * is FTR_E_UNKNOWN_ATTRIBUTE. NULL: none.
     */
    const char *custom_attributes;
    /** A note on the version, by `user` where that is given and else by the user of the session. NULL: none. */
    const char *note;
    /** Labels of the note, as the text of a JSON array of names, in any case. NULL: none. */
    const char *note_labels;
    /**
     * Files that hang on the note, as the text of a JSON array of paths: of any kind, uploaded with the media, and
     * not to change before the job has ended. NULL: none.
     */
    const char *note_attachments;
    /**
     * The frame that the note is about, counted from 0; INIT: -1, none. Where the server's notes have no frames, its
     * text begins with it and the result says so.
     */
    int64_t note_frame;
    /**
     * A review session of the project that the version is shown in: a name or an id. One that is not there is
     * FTR_E_UNKNOWN_REVIEW_SESSION, or made with FTR_PUBLISH_CREATE_REVIEW_SESSION, open for two weeks. NULL: none.
     */
    const char *review_session;
    /**
     * Who is to see the review session, as the text of a JSON array such as [{"name": "Anna", "email":
     * "anna@studio.com"}]; "name" may be left out. Each address is added once, and who is added is sent ftrack's
     * invitation; who was in it before gets no other. NULL: nobody.
     */
    const char *invitees;
    /**
     * Files beside `path`: other sizes of it, a thumbnail, source files, frames. `file_count` structs one after the
     * other, files[0].struct_size bytes apart. NULL: none.
     * Movies without a component_name are sorted by height: the lowest is "ftrackreview-mp4", the others are
     * "ftrackreview-mp4-1080", "-1440" and "-2160" by what they fit into. They must be one movie: as long, as fast
     * and of the same shape. Of two images the larger is "ftrackreview-image-high". Servers before 4.5 show the first
     * only: the others are left out, with a warning.
     */
    const struct ftr_publish_file *files;
    /** How many files there are. */
    uint64_t file_count;
    /**
     * Put over what "ftr_meta" of the media says by itself (frameIn, frameOut, frameRate, width, height, format), as
     * the text of a JSON object; null takes a key away. NULL: nothing.
     */
    const char *meta;
    /** The number of the movie's first frame, for "ftr_meta". */
    int64_t first_frame;
    /** FTR_META_FRAME_OUT_*: what "frameOut" is. */
    int32_t meta_frame_out;
    /** FTR_HOLES_*: what is done where frames of a sequence are missing, empty or damaged. */
    int32_t holes;
    /**
     * FTR_RENDITION_* together: the heights of the movies that ffmpeg makes. None is larger than its source: what a
     * lower source is in full is its largest. 0: one of at most 1080 lines.
     */
    uint32_t renditions;
    /** Not used; 0. */
    int32_t reserved;
    /**
     * Frames a second of frames, such as "24", "23.976" or "24000/1001"; of a movie that is made of a movie, another
     * rate than the source's. NULL: that of the source; frames need one (FTR_E_FRAME_RATE_NEEDED).
     */
    const char *frame_rate;
    /**
     * Arguments for ffmpeg instead of the library's own, as the text of a JSON array of texts, without the program.
     * "{input}" and "{output}" must stand in them; "{width}", "{height}", "{rate}", "{frames}", "{key_interval}",
     * "{audio}" and "{lut}" may; "{{" is a brace. Frames are read with "-framerate", "{rate}", "-i", "{input}". What
     * comes out must play. NULL: H.264 in yuv420p with BT.709, key frames for scrubbing, the index in front and AAC
     * sound.
     */
    const char *ffmpeg_arguments;
    /**
     * A look-up table that takes the values of scene-linear or logarithmic media to the display: a .cube, .3dl, .csp,
     * .dat or .m3d file. NULL: none, and such media are refused with FTR_E_SCENE_LINEAR.
     */
    const char *lut;
} ftr_publish_options;

/**
 * A file to send to an endpoint, and how. Begin with FTR_HTTP_UPLOAD_OPTIONS_INIT. Everything is copied by
 * ftr_session_http_upload.
 */
typedef struct ftr_http_upload_options {
    /** sizeof(ftr_http_upload_options), set by the INIT macro. */
    uint32_t struct_size;
    /** FTR_HTTP_UPLOAD_* flags, or 0. */
    uint32_t flags;
    /**
     * Where to: a path of the server, such as "/studio/review", with a query if it needs one, or a whole URL of the
     * same origin. Never NULL.
     */
    const char *endpoint;
    /** The file. It must not change until the job has ended. Never NULL. */
    const char *path;
    /**
     * The form's other fields, as the text of a JSON object of texts and lists of texts; a list is a field for each
     * of its texts. They come before the file. At most 1 MiB. NULL: none.
     */
    const char *fields;
    /** The name of the field that has the file. NULL: "file". */
    const char *file_field;
    /** What the form calls the file. NULL: its own name, without folders. */
    const char *file_name;
    /** What the form says that it is. NULL: by its content or, where that is not known, by its name. */
    const char *content_type;
    /** More headers for this request, as the text of a JSON object of strings. NULL: none. */
    const char *headers;
    /** Any number: comes back in every event of the job. */
    uint64_t tag;
    /** How long the endpoint may take to answer when it has everything, in milliseconds. 0: 5 minutes. */
    int32_t answer_timeout_ms;
    /** Not used; 0. */
    int32_t reserved;
} ftr_http_upload_options;

/**
 * A component to download, and to where. Begin with FTR_DOWNLOAD_OPTIONS_INIT. Everything is copied by
 * ftr_session_download_component.
 */
typedef struct ftr_download_options {
    /** sizeof(ftr_download_options), set by the INIT macro. */
    uint32_t struct_size;
    /** FTR_DOWNLOAD_* flags, or 0. */
    uint32_t flags;
    /** The id of the FileComponent. Never NULL. */
    const char *component_id;
    /** The file to write. Its folder must be there. Never NULL. */
    const char *path;
    /** Any number: comes back in every event of the job. */
    uint64_t tag;
} ftr_download_options;

/** What to remove. Begin with FTR_REMOVE_OPTIONS_INIT. Everything is copied by ftr_session_remove. */
typedef struct ftr_remove_options {
    /** sizeof(ftr_remove_options), set by the INIT macro. */
    uint32_t struct_size;
    /** FTR_REMOVE_* flags, or 0. */
    uint32_t flags;
    /** "FileComponent", "SequenceComponent" or "AssetVersion". Never NULL. */
    const char *entity_type;
    /** Its id. Never NULL. */
    const char *id;
    /** Any number: comes back in every event of the job. */
    uint64_t tag;
} ftr_remove_options;

/** An event in the pull form. 0 is none. */
typedef uint64_t ftr_event;

/** Called on a thread of the library when there is something to poll again. It may only tell another thread so. */
typedef void (*ftr_wakeup_callback)(void *user_data);

/** A listing: what was in an outbox at one moment. 0 is none. */
typedef uint64_t ftr_outbox;

/** A publish in an outbox. Made by the library; a text that is not known is NULL. */
typedef struct ftr_outbox_item {
    /** How much of this struct the library filled, in bytes. */
    uint32_t struct_size;
    /** FTR_OUTBOX_*: what becomes of it. */
    int32_t state;
    /** Its name in the outbox. Never NULL. */
    const char *id;
    /** How often it was tried and could not be done. */
    uint32_t attempts;
    /** 1 if it is for the session's own server and user, so that the session may go on with it, else 0. */
    int32_t belongs;
    /** When it was submitted, in milliseconds since 1970-01-01 UTC, or -1. */
    int64_t created_ms;
    /** When it is tried again by itself, or -1: as soon as there is a session that does. */
    int64_t next_try_ms;
    /** FTR_E_*: why it waits or failed, or 0. */
    int32_t error_code;
    /** Not used; 0. */
    int32_t reserved;
    /** The same for people. */
    const char *error_message;
    /** The file. */
    const char *path;
    /** ftr_publish_options.context, or what stood for it. */
    const char *context;
    /** For which server. */
    const char *server_url;
    /** In whose name. */
    const char *api_user;
    /** ftr_publish_options.tag. */
    uint64_t tag;
    /** The size of its files together. */
    uint64_t size_bytes;
    /** What copies of its files take in the outbox. */
    uint64_t copied_bytes;
} ftr_outbox_item;

/** How the event hub of a session is. Begin with FTR_HUB_INFO_INIT; filled by ftr_hub_status. */
typedef struct ftr_hub_info {
    /** sizeof(ftr_hub_info), set by the INIT macro. */
    uint32_t struct_size;
    /** FTR_HUB_*: what the connection is. */
    int32_t status;
    /** How often a connection came to be. */
    uint64_t connections;
    /** Subscriptions of the session. */
    uint64_t subscriptions;
    /** Events that wait to be sent. */
    uint64_t waiting;
    /** Events that gave way to newer ones before they were sent: more than 1024, or 8 MiB, were waiting. */
    uint64_t dropped;
    /** Published events whose FTR_EVENT_HUB_PUBLISHED has not come. */
    uint64_t published;
} ftr_hub_info;

/**
 * How to subscribe to events of the hub. Begin with FTR_HUB_SUBSCRIBE_OPTIONS_INIT. Everything is copied by
 * ftr_hub_subscribe, but for user_data.
 */
typedef struct ftr_hub_subscribe_options {
    /** sizeof(ftr_hub_subscribe_options), set by the INIT macro. */
    uint32_t struct_size;
    /** Lower ones hear of an event before higher ones. INIT: 100. */
    int32_t priority;
    /**
     * What the subscriber says of itself, as the text of a JSON object: targets of events are compared with it, and
     * the server is told. NULL: an id of its own, and "applicationId": "ftreview".
     */
    const char *metadata;
    /** Any number: comes back in every event of the subscription. */
    uint64_t tag;
    /**
     * Gets the FTR_EVENT_HUB and FTR_EVENT_HUB_REFUSED of this subscription, inside ftr_session_poll_events. NULL:
     * the session's on_event does.
     */
    ftr_event_callback callback;
    /** Handed to the callback. Not touched. */
    void *user_data;
} ftr_hub_subscribe_options;

/**
 * How to publish an event. Begin with FTR_HUB_PUBLISH_OPTIONS_INIT. Everything is copied by ftr_hub_publish, but for
 * user_data.
 */
typedef struct ftr_hub_publish_options {
    /** sizeof(ftr_hub_publish_options), set by the INIT macro. */
    uint32_t struct_size;
    /** FTR_HUB_LOCAL, or 0. */
    uint32_t flags;
    /**
     * For whom: an expression on what subscribers say of themselves, such as "applicationId=ftrack.client.web". NULL:
     * everybody.
     */
    const char *target;
    /** The id of the event that this one answers. NULL: none. */
    const char *in_reply_to;
    /** Any number: comes back in every event about this one. */
    uint64_t tag;
    /** How long to wait for replies, in milliseconds. 0: none are wanted. */
    int32_t reply_timeout_ms;
    /** After how many replies to stop waiting. 0: all that come in the time. */
    uint32_t max_replies;
    /**
     * Gets the FTR_EVENT_HUB_REPLY and the FTR_EVENT_HUB_PUBLISHED of this event, inside ftr_session_poll_events.
     * NULL: the session's on_event does.
     */
    ftr_event_callback callback;
    /** Handed to the callback. Not touched. */
    void *user_data;
} ftr_hub_publish_options;

/**
 * What to watch. Begin with FTR_WATCH_OPTIONS_INIT and set one of `version_id`, `review_session_id` and
 * FTR_WATCH_PUBLISHED. Everything is copied by ftr_session_watch, but for user_data.
 */
typedef struct ftr_watch_options {
    /** sizeof(ftr_watch_options), set by the INIT macro. */
    uint32_t struct_size;
    /** FTR_WATCH_PUBLISHED, or 0. */
    uint32_t flags;
    /** A version's id, or NULL. */
    const char *version_id;
    /** A review session's id, or NULL: every version in it, also those that are added later. */
    const char *review_session_id;
    /** Any number: comes back in every event of the watch. */
    uint64_t tag;
    /** Gets the FTR_EVENT_REVIEW of this watch, inside ftr_session_poll_events. NULL: the session's on_event does. */
    ftr_event_callback callback;
    /** Handed to the callback. Not touched. */
    void *user_data;
} ftr_watch_options;

#ifdef __cplusplus
extern "C" {
#endif  /* __cplusplus */

/**
 * The library's version, such as "0.1.0". Never NULL; valid for ever. May be called from anywhere, also in a wake-up
 * callback and after fork.
 */
FTR_API const char *ftr_version(void);

/**
 * The version of the ABI that the library offers: FTR_ABI_VERSION of the header it was built with. May be called from
 * anywhere.
 * A program that loads the library at run time should refuse one whose number is smaller than its own
 * FTR_ABI_VERSION.
 */
FTR_API uint32_t ftr_abi_version(void);

/**
 * The name of an error code, such as "FTR_E_NULL_ARGUMENT"; "FTR_OK" for 0 and for counts; "FTR_E_UNKNOWN" for a code
 * of a later version. Never NULL; valid for ever.
 */
FTR_API const char *ftr_error_name(int32_t code);

/**
 * What an error code means in general and what to do about it; "" for codes that are none. Never NULL; valid for
 * ever.
 */
FTR_API const char *ftr_error_description(int32_t code);

/**
 * The message of the last error that a function of this library returned on the calling thread: which argument, which
 * value, what to do. "" if there was none. Never NULL; valid until the next error on the same thread.
 * For people and logs, right after the failure; to decide, use the code. The errors of jobs are not here but in their
 * results.
 */
FTR_API const char *ftr_last_error_message(void);

/**
 * Creates a session. Returns at once: the server is asked in the background, and whether it can be worked with is
 * told by an FTR_EVENT_STATUS, ftr_session_status and ftr_session_wait_ready. Jobs may be submitted before that.
 * The environment variables are read in this call, on this thread; where neither they nor the options name a user, so
 * is the operating system's user database, which may be on the network. The first session starts the library's
 * thread.
 * `*session` is written only on success; free it with ftr_session_free.
 * Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT, FTR_E_INVALID_JSON,
 * FTR_E_NO_SERVER_URL, FTR_E_BAD_SERVER_URL, FTR_E_NO_API_KEY, FTR_E_NO_API_USER, FTR_E_BAD_PROXY_URL,
 * FTR_E_OUT_OF_RESOURCES. No network error: those are statuses.
 */
FTR_API int32_t ftr_session_create(const struct ftr_session_options *options, ftr_session *session);

/** Writes FTR_STATUS_*: whether the server can be worked with, as far as is known now. Does not wait. */
FTR_API int32_t ftr_session_status(ftr_session session, int32_t *status);

/**
 * Blocks until the server has answered for the first time, or until it is clear why it does not, or for `timeout_ms`.
 * FTR_OK: the session is ready. FTR_E_TIMED_OUT: nothing is known yet. Else the error that explains the status, such
 * as FTR_E_UNAUTHORISED or FTR_E_UNREACHABLE; ftr_last_error_message has the whole of it.
 * Nothing needs to wait for this: jobs find out by themselves.
 */
FTR_API int32_t ftr_session_wait_ready(ftr_session session, int32_t timeout_ms);

/**
 * Writes the server's answer to query_server_information as JSON text: version, user_information and so on. Does not
 * wait: FTR_E_TIMED_OUT before the session is ready.
 * The text is valid until ftr_session_free.
 */
FTR_API int32_t ftr_session_server_information(ftr_session session, const char **json);

/**
 * Writes the server's version, such as "4.13.8". Does not wait: FTR_E_TIMED_OUT before the session is ready. The text
 * is valid until ftr_session_free.
 */
FTR_API int32_t ftr_session_server_version(ftr_session session, const char **version);

/**
 * Publishes a file for web review: checks it, uploads it, creates an asset version that shows it. Returns at once,
 * having touched neither file nor network; everything that can be wrong with those is told by the job's end.
 * The media are uploaded first and the version is created after, so a reviewer never sees half a publish.
 * `*job` is written only on success; free it with ftr_job_free, or let ftr_session_free do it.
 * Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT, FTR_E_NO_CONTEXT,
 * FTR_E_CLOSED, FTR_E_QUEUE_FULL.
 */
FTR_API int32_t ftr_session_publish_file(ftr_session session, const struct ftr_publish_options *options, ftr_job *job);

/**
 * Caps the bytes a second that all uploads of the session send together, or lifts the cap with 0. Takes effect at
 * once, also on what is being sent. API requests are not counted.
 */
FTR_API int32_t ftr_session_set_upload_rate(ftr_session session, uint64_t bytes_per_second);

/**
 * Closes a session: accepts no more jobs, waits up to `timeout_ms` for those that run, then parks what is left, and
 * disconnects the event hub. Returns how many that are: 0 is a clean close. Parked jobs stay in the outbox, and the
 * next session that uses it goes on with them; a session without an outbox cancels them.
 * Events that are waiting, and the ends of parked and cancelled jobs, can still be polled; when all is told, polling
 * returns FTR_E_CLOSED. Safe to call again, from any thread, and inside a callback.
 */
FTR_API int32_t ftr_session_close(ftr_session session, int32_t timeout_ms);

/**
 * Frees a session, the handles of its jobs, subscriptions, watches and listings, and its undelivered events. Does not
 * wait for the network: what still runs is parked, or cancelled where there is no outbox, and cleans up in the
 * background. When it returns, no callback of the session runs or will run, but for the one that it was called from:
 * it waits for one that another thread is in, so that thread must not be waiting for this one.
 * 0 is allowed and does nothing. Pull events (ftr_event) are freed on their own.
 */
FTR_API int32_t ftr_session_free(ftr_session session);

/**
 * Sends a file with form fields to an endpoint of the server, as studios have of their own: one POST of
 * multipart/form-data, with the session's user, key, headers and cookies. The file is streamed; progress,
 * ftr_job_pause, ftr_job_cancel and the cap on bandwidth are those of a publish. Returns at once; what the endpoint
 * answered comes in the job's result (answer, http_status), and a status other than 2xx is the job's error.
 * User and key go to the server's own origin (scheme, host and port) and to no other: another one is
 * FTR_E_FOREIGN_ORIGIN, unless FTR_HTTP_UPLOAD_NO_AUTH is set. No redirect is followed.
 * What an endpoint gets twice it may do twice. So a request is sent again only where it surely did not arrive: when
 * no connection came to be. What breaks later ends the job, whose error says in outcome_unknown whether the endpoint
 * may have the file; with FTR_HTTP_UPLOAD_REPEATABLE it is tried again like an upload to storage.
 * `*job` is written only on success; free it with ftr_job_free, or let ftr_session_free do it.
 * Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT, FTR_E_INVALID_JSON,
 * FTR_E_FOREIGN_ORIGIN, FTR_E_CLOSED, FTR_E_QUEUE_FULL.
 */
FTR_API int32_t ftr_session_http_upload(ftr_session session, const struct ftr_http_upload_options *options, ftr_job *job);

/**
 * Downloads a component that the server stores to a file. The bytes go to PATH.part beside it, with a note in
 * PATH.part.json, and become the file when all of them are there: it appears whole or not at all. Their number is
 * compared with the component's size, and their MD5 with the storage's ETag where that is one. A connection that
 * breaks is made again and goes on where it was; when the job fails, PATH.part stays, and downloading to the same
 * path again, also in another process, fetches only the rest. Cancelling removes it.
 * Progress counts bytes that arrived (bytes_done) and those of them that were given to the disk (bytes_stored).
 * ftr_job_pause and ftr_job_resume work as for uploads; the cap on uploads does not count here.
 * The job's end tells what is wrong: FTR_E_FILE_EXISTS (without FTR_DOWNLOAD_OVERWRITE), FTR_E_FILE_NOT_FOUND (no
 * such folder), FTR_E_NOT_A_FILE, FTR_E_FILE_UNWRITABLE, FTR_E_DISK_FULL; FTR_E_INTEGRITY (no such component),
 * FTR_E_NO_LOCATION (it is registered by path or address elsewhere, which the message names), FTR_E_STORAGE_*.
 * `*job` is written only on success; free it with ftr_job_free, or let ftr_session_free do it.
 * Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT, FTR_E_CLOSED,
 * FTR_E_QUEUE_FULL.
 */
FTR_API int32_t ftr_session_download_component(ftr_session session, const struct ftr_download_options *options, ftr_job *job);

/**
 * Removes a component with its bytes, a sequence with its frames, or a version with its components, from the server.
 * What belongs to it is asked for first; then a version goes before its media, and what takes several requests is
 * hidden before, so that no reviewer sees a half of it. Files that are only registered by path stay where they are,
 * and so does a thumbnail that a task, shot or other version shows as well: both are warnings.
 * The job's result says in `answer` what was removed: {"removed": [{"entity_type": "AssetVersion", "id": "...",
 * "name": "..."}, ...]}, also where the job failed in the middle. In FTR_STAGE_REMOVING a job is not cancelled any
 * more. What cannot be there is FTR_E_INTEGRITY, unless FTR_REMOVE_MISSING_OK is set.
 * `*job` is written only on success; free it with ftr_job_free, or let ftr_session_free do it.
 * Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT (also for any other type),
 * FTR_E_CLOSED, FTR_E_QUEUE_FULL.
 */
FTR_API int32_t ftr_session_remove(ftr_session session, const struct ftr_remove_options *options, ftr_job *job);

/**
 * Waits up to `timeout_ms` for events and calls the session's callbacks for those that are there, on this thread,
 * with no lock held. Returns how many events were told; 0 when the time was over, or ftr_session_interrupt was
 * called.
 * In a host's main loop call it with 0: it then returns in microseconds when there is nothing to tell.
 * A callback may call every function of the library but the polling ones of the same session; it may free the
 * session. It must not throw, nor jump out of the call.
 * Errors: FTR_E_CLOSED when the session is closed and everything was told; FTR_E_REENTRANT in a callback of the same
 * session; FTR_E_CONCURRENT_POLL while another thread polls it.
 */
FTR_API int32_t ftr_session_poll_events(ftr_session session, int32_t timeout_ms);

/**
 * The pull form of ftr_session_poll_events, for languages in which callbacks hurt: waits up to `timeout_ms` for one
 * event and writes its handle. Returns 1, or 0 and writes 0 when there is none. Free each with ftr_event_free.
 * Both forms take from the same queue. Errors: as ftr_session_poll_events.
 */
FTR_API int32_t ftr_session_next_event(ftr_session session, int32_t timeout_ms, ftr_event *event);

/**
 * Makes a call that waits for events of this session return 0, or the next one if none is waiting. From any thread.
 */
FTR_API int32_t ftr_session_interrupt(ftr_session session);

/**
 * Writes a file descriptor that is readable while events wait, for poll(2), epoll, QSocketNotifier and the like. It
 * belongs to the library: never read, write or close it. Polling until nothing is left makes it unreadable again; now
 * and then it is readable once with nothing to poll. Valid until ftr_session_free.
 */
FTR_API int32_t ftr_session_wake_fd(ftr_session session, int32_t *fd);

/**
 * Sets the function that tells the host's own loop to poll, or removes it with NULL. It is called on a thread of the
 * library when events are there after none were; once more right after it is set, if events wait already.
 * In it only ftr_version, ftr_abi_version and the functions for error texts may be called: everything else returns
 * FTR_E_WOULD_DEADLOCK. Post a message to the host's loop and return.
 * When this returns, the former function runs nowhere and will not be called again.
 */
FTR_API int32_t ftr_session_set_wakeup_callback(ftr_session session, ftr_wakeup_callback callback, void *user_data);

/** Writes the address of what an event says. Valid until ftr_event_free. */
FTR_API int32_t ftr_event_get(ftr_event event, const struct ftr_event_info **info);

/**
 * Writes an event as JSON text, for languages in which structs hurt: the fields of ftr_event_info, and in it objects
 * with those of the structs; `error` has the name of its code besides. Fields that the kind does not have are left
 * out. Handles and tags are text, because the numbers of JavaScript and Lua do not hold 64 bits. Valid until
 * ftr_event_free.
 */
FTR_API int32_t ftr_event_json(ftr_event event, const char **json);

/** Frees an event. 0 is allowed and does nothing. */
FTR_API int32_t ftr_event_free(ftr_event event);

/**
 * Blocks until the job has ended, or for `timeout_ms`, and writes the address of its result. For hosts without a
 * loop, such as a render farm's end-of-job script; it calls no callbacks. From any thread, also several at once.
 * FTR_OK: the job has ended; `result` says how, which need not be well. FTR_E_TIMED_OUT: it goes on.
 * The result is valid until ftr_job_free or ftr_session_free. The job's end stays in the event queue until it is
 * polled, or until the job is freed after this.
 */
FTR_API int32_t ftr_job_wait(ftr_job job, int32_t timeout_ms, const struct ftr_job_result **result);

/**
 * Asks a job to end. It does so soon, as FTR_JOB_CANCELLED, removing what it made on the server; but a job that has
 * reached FTR_STAGE_VERSIONING (or, of a removal, FTR_STAGE_REMOVING) is finished instead, so that no reviewer sees a
 * half of it. Cancelling a job that has ended does nothing.
 */
FTR_API int32_t ftr_job_cancel(ftr_job job);

/**
 * Pauses a job: no byte of its files moves until ftr_job_resume. Other jobs go on, but it keeps its turn: those that
 * wait for one in FTR_STAGE_ACCEPTED wait until it ends (parallel_uploads). Requests on their way are held for some
 * seconds and then given up, and what they had sent is sent again. A job that uploads nothing (yet) is paused when it
 * comes to it; one that has all its bytes in storage goes on to its end. Pausing a job that is paused or has ended
 * does nothing.
 * Progress says `paused`. Cancelling, closing and freeing work as ever.
 */
FTR_API int32_t ftr_job_pause(ftr_job job);

/** Lets a paused job go on. Of one that is not paused it does nothing. */
FTR_API int32_t ftr_job_resume(ftr_job job);

/**
 * Frees a job's handle and result. A job that runs goes on, and its end is told by polling, with `tag`; the end of a
 * job that was waited for is not told again. 0 is allowed and does nothing.
 */
FTR_API int32_t ftr_job_free(ftr_job job);

/**
 * Lists what is in the session's outbox at this moment, of all users and servers, also what is damaged: oldest first.
 * Reads the folder on a thread of the library and waits for that up to `timeout_ms`; FTR_E_TIMED_OUT when it takes
 * longer, as a network drive may.
 * `*list` is written only on success; free it with ftr_outbox_free, or let ftr_session_free do it.
 * Errors: FTR_E_NULL_ARGUMENT, FTR_E_INVALID_ARGUMENT, FTR_E_OUTBOX_OFF, FTR_E_OUTBOX_UNUSABLE, FTR_E_TIMED_OUT,
 * FTR_E_OUT_OF_RESOURCES.
 */
FTR_API int32_t ftr_outbox_list(ftr_session session, int32_t timeout_ms, ftr_outbox *list);

/** Writes how many items a listing has. */
FTR_API int32_t ftr_outbox_count(ftr_outbox list, uint64_t *count);

/** Writes the address of an item of a listing, from 0. Valid until ftr_outbox_free. */
FTR_API int32_t ftr_outbox_item_at(ftr_outbox list, uint64_t index, const struct ftr_outbox_item **item);

/** Frees a listing. 0 is allowed and does nothing. */
FTR_API int32_t ftr_outbox_free(ftr_outbox list);

/**
 * Goes on with a publish that waits in the outbox, now, as a job of this session: its events and its end are those of
 * ftr_session_publish_file, with the tag 0. Of one that is being cancelled, or has failed and is not yet taken back,
 * it goes on with that.
 * What can be wrong with the item is told by the job's end: FTR_E_OUTBOX_BUSY (another process or job has it),
 * FTR_E_OUTBOX_NO_ITEM (it has ended meanwhile), FTR_E_OUTBOX_FAILED, FTR_E_OUTBOX_OTHER, FTR_E_OUTBOX_NEWER,
 * FTR_E_OUTBOX_DAMAGED, FTR_E_SOURCE_CHANGED.
 * Errors: FTR_E_NULL_ARGUMENT, FTR_E_NOT_UTF8, FTR_E_OUTBOX_OFF, FTR_E_CLOSED, FTR_E_QUEUE_FULL.
 */
FTR_API int32_t ftr_outbox_resume(ftr_session session, const char *item_id, ftr_job *job);

/**
 * As ftr_outbox_resume, also for a publish that has failed for good, and with the files as they are now, changed or
 * not.
 */
FTR_API int32_t ftr_outbox_retry(ftr_session session, const char *item_id, ftr_job *job);

/**
 * Takes a publish out of the outbox, and back what it made on the server; a version that reviewers have already
 * stays. A damaged item is removed. The job ends as FTR_JOB_CANCELLED; where the server cannot be reached the item
 * stays until it can. Else as ftr_outbox_resume.
 */
FTR_API int32_t ftr_outbox_forget(ftr_session session, const char *item_id, ftr_job *job);

/**
 * Begins to connect to the server's event hub, in the background, and goes on until it is connected; a connection
 * that breaks is made again, with every subscription, until ftr_hub_disconnect. Returns at once; how it goes is told
 * by FTR_EVENT_HUB_STATUS, ftr_hub_status and ftr_hub_wait_connected. While the next try is waited for, this makes it
 * at once.
 * A session created with FTR_SESSION_AUTO_CONNECT_EVENT_HUB does this by itself.
 * Errors: FTR_E_CLOSED.
 */
FTR_API int32_t ftr_hub_connect(ftr_session session);

/**
 * Ends the connection to the event hub, and the attempts to make it. Subscriptions stay, for the next connection and
 * for local events. Events that were not sent end with FTR_E_HUB_OFF.
 */
FTR_API int32_t ftr_hub_disconnect(ftr_session session);

/** Fills the struct with how the event hub is now: begin with FTR_HUB_INFO_INIT. Does not wait. */
FTR_API int32_t ftr_hub_status(ftr_session session, struct ftr_hub_info *info);

/**
 * Blocks until the event hub is connected, until it is clear that it will not be, or for `timeout_ms`; for hosts
 * without a loop. FTR_OK: it is connected. FTR_E_TIMED_OUT: it is still tried. FTR_E_HUB_OFF: nobody asked for a
 * connection. Else the error that explains why the server does not accept the session.
 */
FTR_API int32_t ftr_hub_wait_connected(ftr_session session, int32_t timeout_ms);

/**
 * Subscribes to events. Needs no connection: while there is one, and after every reconnect, the server is asked for
 * them.
 * `expression` says which: conditions of a key, an operator (= != < <= > >=) and a value, joined by "and", "or",
 * "not" and parentheses, such as topic=ftrack.update and source.user.username!="ada". Keys lead into the event by
 * dots. Values are compared as text; one with other characters than A-Z a-z 0-9 - _ , . / * @ + stands in quotes;
 * with = a * at its end makes it a prefix. A condition on a key that the event does not have is false.
 * Events are told as FTR_EVENT_HUB when polling, those of several subscriptions in the order of their priorities;
 * ftr_hub_stop ends that for an event. The session's own events are among them where they fit.
 * `options` may be NULL. `*subscription` is written only on success; free it with ftr_hub_unsubscribe, or let
 * ftr_session_free do it.
 * Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_JSON, FTR_E_INVALID_ARGUMENT,
 * FTR_E_EXPRESSION, FTR_E_CLOSED, FTR_E_OUT_OF_RESOURCES.
 */
FTR_API int32_t ftr_hub_subscribe(ftr_session session, const char *expression, const struct ftr_hub_subscribe_options *options, ftr_subscription *subscription);

/**
 * Ends a subscription and frees its handle: none of its events is told any more, not even those that wait already. A
 * callback of it that another thread is in at this moment is not waited for. 0 is allowed and does nothing.
 */
FTR_API int32_t ftr_hub_unsubscribe(ftr_subscription subscription);

/**
 * Publishes an event, and returns at once. Its end is told by exactly one FTR_EVENT_HUB_PUBLISHED: when the server
 * has acknowledged it, or refuses it (FTR_E_HUB_REFUSED), or, where replies are wanted, when they came or the time
 * for them is over (FTR_E_TIMED_OUT if there was none). Each reply is an FTR_EVENT_HUB_REPLY before that.
 * While the event hub is being connected, events wait to be sent: 1024 of them or 8 MiB, beyond which the oldest end
 * with FTR_E_HUB_DROPPED. An event that was sent just before the connection broke ends with FTR_E_CONNECTION_LOST,
 * and may have been told or not.
 * `data` is the text of a JSON object; NULL is an empty one. `options` may be NULL. With FTR_HUB_LOCAL only the
 * subscriptions of this session hear of it, and no connection is needed.
 * Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT (an empty topic),
 * FTR_E_INVALID_JSON, FTR_E_EXPRESSION (the target), FTR_E_HUB_OFF (neither connected nor being connected),
 * FTR_E_UNAUTHORISED and the like (the server does not accept the session), FTR_E_QUEUE_FULL (1024 were published
 * whose end was not polled), FTR_E_CLOSED.
 */
FTR_API int32_t ftr_hub_publish(ftr_session session, const char *topic, const char *data, const struct ftr_hub_publish_options *options);

/**
 * Answers an event: `event_id` and `source_id` are the `id` and `source_id` of its ftr_hub_event. `data` is JSON text
 * of any value; NULL is null. Returns at once; that it could not be delivered is a line in the log.
 * Errors: FTR_E_NULL_ARGUMENT, FTR_E_NOT_UTF8, FTR_E_INVALID_JSON, FTR_E_INVALID_ARGUMENT, FTR_E_HUB_OFF,
 * FTR_E_CLOSED.
 */
FTR_API int32_t ftr_hub_reply(ftr_session session, const char *event_id, const char *source_id, const char *data);

/**
 * Ends the telling of an event in this session: subscriptions that have not heard of it do not. To be called while
 * one of its FTR_EVENT_HUB is handled; for other ids it does nothing.
 */
FTR_API int32_t ftr_hub_stop(ftr_session session, const char *event_id);

/**
 * Watches what reviewers do to a version, to the versions of a review session, or to what this session publishes.
 * Each note, change of status, approval, request for changes, encoded movie and new thumbnail is told by one
 * FTR_EVENT_REVIEW when polling, but for the session's own changes. What was there before is not told, except for
 * notes and answers on versions that this session has published.
 * It hears by the event hub: connect it (ftr_hub_connect, or FTR_SESSION_AUTO_CONNECT_EVENT_HUB). When a connection
 * comes back, and every few minutes besides, the server is asked what happened meanwhile, so that nothing is lost and
 * nothing told twice.
 * `*watch` is written only on success; free it with ftr_watch_free, or let ftr_session_free do it.
 * Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT (nothing to watch, or more
 * than one thing), FTR_E_CLOSED, FTR_E_OUT_OF_RESOURCES.
 */
FTR_API int32_t ftr_session_watch(ftr_session session, const struct ftr_watch_options *options, ftr_watch *watch);

/**
 * Ends a watch and frees its handle: nothing of it is told any more, not even what waits already. A callback of it
 * that another thread is in at this moment is not waited for. 0 is allowed and does nothing.
 */
FTR_API int32_t ftr_watch_free(ftr_watch watch);

/** To begin with: what the environment says, and warnings in the log. */
#define FTR_SESSION_OPTIONS_INIT \
    { sizeof(ftr_session_options), 0, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, FTR_LOG_WARNING, 0, \
      NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, FTR_VERIFY_ETAG, 0, NULL, \
      NULL, 0, 0, 0, 0, 0, NULL, NULL }

/** To begin with: defaults for everything but the path. */
#define FTR_PUBLISH_OPTIONS_INIT \
    { sizeof(ftr_publish_options), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, \
      FTR_MODE_AUTO, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, -1, NULL, NULL, \
      NULL, 0, NULL, 0, FTR_META_FRAME_OUT_LAST, FTR_HOLES_REFUSE, 0, 0, NULL, NULL, NULL }

/** To begin with: its content says what it is to be. */
#define FTR_PUBLISH_FILE_INIT \
    { sizeof(ftr_publish_file), 0, NULL, NULL, FTR_ROLE_AUTO, 0 }

/** To begin with: a POST of the file alone, with defaults for everything but endpoint and path. */
#define FTR_HTTP_UPLOAD_OPTIONS_INIT \
    { sizeof(ftr_http_upload_options), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0 }

/** To begin with: defaults for everything but component and path. */
#define FTR_DOWNLOAD_OPTIONS_INIT \
    { sizeof(ftr_download_options), 0, NULL, NULL, 0 }

/** To begin with: defaults for everything but type and id. */
#define FTR_REMOVE_OPTIONS_INIT \
    { sizeof(ftr_remove_options), 0, NULL, NULL, 0 }

/** To begin with: the usual priority. */
#define FTR_HUB_SUBSCRIBE_OPTIONS_INIT \
    { sizeof(ftr_hub_subscribe_options), 100, NULL, 0, NULL, NULL }

/** To begin with: for everybody, without replies. */
#define FTR_HUB_PUBLISH_OPTIONS_INIT \
    { sizeof(ftr_hub_publish_options), 0, NULL, NULL, 0, 0, 0, NULL, NULL }

/** To begin with: nothing is watched. */
#define FTR_WATCH_OPTIONS_INIT \
    { sizeof(ftr_watch_options), 0, NULL, NULL, 0, NULL, NULL }

/** To begin with: to be filled by ftr_hub_status. */
#define FTR_HUB_INFO_INIT \
    { sizeof(ftr_hub_info), 0, 0, 0, 0, 0, 0 }

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#endif  /* FTREVIEW_H */
