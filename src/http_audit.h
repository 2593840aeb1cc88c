/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API puts into the audit log.
 */
#ifndef HTTP_AUDIT_H
#define HTTP_AUDIT_H

struct change_answer;
struct http_request;
struct http_server;
struct problems;

/** A change that was done, with what it did. */
void http_audit_change(struct http_request *request, const struct change_answer *answer);

/** Anything else that was done; to be called with each answer. */
void http_audit_answer(struct http_request *request, int status);

/** An attempt that was refused; to be called with each refusal. */
void http_audit_refusal(struct http_request *request, int status, const char *detail,
			const struct problems *problems);

/** The same of what did not come to a request, from @fd; @status 0: nothing is answered. */
void http_audit_connection(const struct http_server *server, int fd, int status, const char *error);

#endif
