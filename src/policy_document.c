// SPDX-License-Identifier: Apache-2.0
/*
 * The text is looked through once as a whole, so that what is no JSON is said
 * before anything else is.  Then it is walked: the elements of the array are
 * built and read one by one.
 */
#include "policy_document.h"

#include <errno.h>
#include <json-c/json.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "json_scan.h"
#include "json_walk.h"
#include "policy_list.h"
#include "problem.h"

#define NAME_BYTES 128 /* of a member's name: more than a message shows of it */

/* A text on its way to policies. */
struct cutter {
	struct policy_reader reader;
	struct json_tokener *tokener;
};

/* What an object that holds policies says; of several of one name the last. */
enum frame_member { FRAME_POLICIES, FRAME_CURSOR, FRAME_COUNT, FRAME_TOTAL, FRAME_MEMBERS };

static const char *const member_names[FRAME_MEMBERS] = {
	"policies",
	"next_cursor",
	"count",
	"policy_count",
};

/* The outermost value. */
struct frame {
	struct json_part member[FRAME_MEMBERS]; /* empty: absent */
	struct json_object *names; /* of all members, each once; NULL: it is no object */
};

static int read_frame(const struct json_part *whole, struct frame *ret);
static bool is_page(const struct frame *frame);
static int read_policies(struct cutter *cutter, const struct json_part *whole,
			 const struct frame *frame);
static int read_elements(struct cutter *cutter, const struct json_part *array);
static int read_single(struct cutter *cutter, const struct json_part *whole);

static void cutter_clear(struct cutter *cutter)
{
	json_build_end(&cutter->tokener);
	policy_reader_clear(&cutter->reader);
}

static void frame_clear(struct frame *frame)
{
	json_object_put(frame->names);
}

int policy_document_parse(const struct policy_document *document, struct policy_list *ret,
			  struct problems *problems)
{
	CLEANUP(cutter_clear)
	struct cutter cutter = { .reader = { document->source, problems, .prefix = "" } };
	CLEANUP(frame_clear) struct frame frame = { .names = NULL };
	int scanned = json_scan(document->text, document->size, problems), r;
	const size_t errors = problems->errors;
	struct json_part whole;

	if (scanned < 0 && (scanned != -EEXIST || !document->go_on))
		return scanned == -EEXIST ? -EBADMSG : scanned;
	whole = json_part(document->text, document->size);
	r = read_frame(&whole, &frame);
	if (!r && document->whole && is_page(&frame))
		r = -ERANGE;
	if (!r)
		r = read_policies(&cutter, &whole, &frame);
	if (!r && problems->errors > errors)
		r = -EINVAL;
	if (!r && scanned < 0)
		r = -EBADMSG;
	if (r < 0)
		return r;
	*ret = cutter.reader.list;
	cutter.reader.list = (struct policy_list){ 0 };
	return 0;
}

static void note_member(const struct json_walk *walk, struct frame *frame)
{
	for (size_t i = 0; i < FRAME_MEMBERS; i++)
		if (json_walk_is(walk, member_names[i]))
			frame->member[i] = walk->value;
}

static int read_frame(const struct json_part *whole, struct frame *ret)
{
	struct json_walk walk = json_walk(whole);
	char name[NAME_BYTES];

	if (!json_part_is(whole, '{'))
		return 0;
	ret->names = json_object_new_object();
	if (!ret->names)
		return -ENOMEM;
	while (json_walk_next(&walk)) {
		note_member(&walk, ret);
		json_walk_name(&walk, name, sizeof(name));
		if (json_object_object_add(ret->names, name, NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Whether a listing says of itself that it has not all there is. */
static bool is_page(const struct frame *frame)
{
	const struct json_part *cursor = &frame->member[FRAME_CURSOR];
	int64_t count, total;

	if (cursor->size && !json_part_is(cursor, 'n'))
		return true;
	return json_part_integer(&frame->member[FRAME_COUNT], &count) &&
	       json_part_integer(&frame->member[FRAME_TOTAL], &total) && count < total;
}

static int build(struct cutter *cutter, const struct json_part *part, struct json_object **ret)
{
	return json_build(&cutter->tokener, part->text, part->size, ret, cutter->reader.problems);
}

static int read_policies(struct cutter *cutter, const struct json_part *whole,
			 const struct frame *frame)
{
	const struct json_part *policies = &frame->member[FRAME_POLICIES];
	struct problems *problems = cutter->reader.problems;

	if (json_part_is(whole, '['))
		return read_elements(cutter, whole);
	if (!policies->size)
		return read_single(cutter, whole);
	cutter->reader.prefix = "/policies";
	policy_list_refuse_unknown(frame->names, problems);
	if (json_part_is(policies, '['))
		return read_elements(cutter, policies);
	problem_add(problems, cutter->reader.prefix, "is not an array of policies");
	return -EINVAL;
}

static int read_elements(struct cutter *cutter, const struct json_part *array)
{
	struct json_walk walk = json_walk(array);

	while (json_walk_next(&walk)) {
		CLEANUP(cleanup_json) struct json_object *json = NULL;
		int r = build(cutter, &walk.value, &json);

		if (!r)
			r = policy_reader_add(&cutter->reader, json);
		if (r < 0)
			return r;
	}
	return policy_reader_refuse_twins(&cutter->reader);
}

static int read_single(struct cutter *cutter, const struct json_part *whole)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	int r = build(cutter, whole, &json);

	return r < 0 ? r : policy_reader_add_single(&cutter->reader, json);
}
