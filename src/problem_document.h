/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every error of the API looks like: an RFC 9457 problem document.
 */
#ifndef PROBLEM_DOCUMENT_H
#define PROBLEM_DOCUMENT_H

struct json_object;
struct problems;

#define PROBLEM_CONTENT_TYPE "application/problem+json"

/** "Not Found" and the like; never NULL. */
const char *problem_title(int status);

/** "not-found" and the like: the member `error`, and the end of `type`. Never NULL. */
const char *problem_word(int status);

/**
 * A document of @status. @problems may be NULL: of one error pointer and
 * detail are those of the document, several are its `errors`; warnings are
 * left out. @detail is used unless there is exactly one error; NULL: none.
 * The caller owns the result; NULL when out of memory.
 */
struct json_object *problem_document(int status, const char *detail,
				     const struct problems *problems);

/** The warnings of @problems as an array of {"pointer", "detail"}; NULL when out of memory. */
struct json_object *problem_warnings(const struct problems *problems);

#endif
