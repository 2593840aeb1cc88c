// SPDX-License-Identifier: Apache-2.0
/* pepctl explain: what would become of a packet, or of those of a capture. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_file.h"
#include "client_input.h"
#include "client_json.h"
#include "client_packet.h"
#include "client_pcap.h"
#include "client_request.h"
#include "client_text.h"
#include "http_json.h"
#include "json.h"
#include "problem.h"

#define AT_ONCE 128 /* packets of a capture in a request */

/* A capture while it is read. */
struct capture {
	struct pcap_reader reader;
	const char *path;
	struct json_object *said; /* interface and direction, of all packets */
	struct json_object *packets; /* that are not asked yet; NULL: none */
	size_t number[AT_ONCE]; /* of each, in the capture */
	size_t seen, passed, dropped, left_out;
};

static int ask(struct client *client, struct json_object *packets, struct json_object **ret);
static int add_policies(struct client *client, struct json_object *body);
static int explain_words(struct client *client, struct json_object *packet);
static int explain_capture(struct client *client, struct json_object *said);
static int read_capture(struct client *client, struct capture *capture);
static int ask_capture(struct client *client, struct capture *capture);
static void print_verdict(struct client *client, struct json_object *answer);
static void print_steps(struct client *client, struct json_object *steps, const char *indent);

int client_explain(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *packet = NULL;
	int status;

	if (!client->argument_count && !client->value[OPTION_PCAP])
		return client_usage(client, "explain needs %s", client->command->arguments);
	status = client_input_packet(client, &packet);
	if (status)
		return status;
	return client->value[OPTION_PCAP] ? explain_capture(client, packet)
					  : explain_words(client, packet);
}

/* Takes the packets. */
static int ask(struct client *client, struct json_object *packets, struct json_object **ret)
{
	CLEANUP(cleanup_json) struct json_object *body = json_object_new_object();
	const struct client_request request = {
		.method = "POST",
		.target = "/explain",
		.body = body,
	};
	int status;

	if (!body) {
		json_object_put(packets);
		return client_fail(client, "out of memory");
	}
	if (json_add(body, "packets", packets))
		return client_fail(client, "out of memory");
	status = add_policies(client, body);
	return status ? status : client_ask(client, &request, ret);
}

/* Of --against; whether they are good the daemon says. */
static int add_policies(struct client *client, struct json_object *body)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	const char *path = client->value[OPTION_AGAINST];
	struct json_object *policies;
	int error;

	if (!path)
		return CLIENT_DONE;
	error = client_file_read(path, JSON_COMMENTS, &json, &problems);
	if (problems.errors) {
		client_print_problems(client->err, path, &problems);
		return CLIENT_REFUSED;
	}
	if (error)
		return client_fail(client, "%s: %s", path, strerror(-error));
	policies = client_member(json, "policies");
	if (json_add(body, "policies", json_object_get(policies ? policies : json)))
		return client_fail(client, "%s: has no policies", path);
	return CLIENT_DONE;
}

/* ---- one, in words */

static void print_otherwise(struct client *client, struct json_object *answer)
{
	struct json_object *otherwise = client_member(answer, "otherwise");
	const char *policy = client_text(answer, "failsafe.overruled");

	if (!otherwise)
		return;
	if (!*policy)
		policy = client_text(answer, "policy");
	fputs("without ", client->out);
	text_print(client->out, policy);
	fputs(": ", client->out);
	print_verdict(client, otherwise);
	fputc('\n', client->out);
	print_steps(client, client_member(otherwise, "steps"), "  ");
}

static void print_explanation(struct client *client, struct json_object *answer)
{
	FILE *out = client->out;
	const char *mode = client_text(answer, "mode"),
		   *over = client_text(answer, "failsafe.policy");
	struct json_object *packet = client_member(answer, "packet");

	print_verdict(client, answer);
	if (packet) {
		fputs(": ", out);
		client_print_packet(out, packet);
		if (client_member(packet, "fragment"))
			fprintf(out, ", %s fragment", client_text(packet, "fragment"));
		for (size_t i = 0; i < client_length(client_member(packet, "vlans")); i++)
			fprintf(out, ", VLAN %d",
				json_object_get_int(json_object_array_get_idx(
					client_member(packet, "vlans"), i)));
	}
	fprintf(out, ", %s ", client_text(answer, "direction"));
	text_print(out, client_text(answer, "interface"));
	fprintf(out, "%s%s%s\n  %s\n", *mode ? " (" : "", mode, *mode ? ")" : "",
		client_text(answer, "explanation"));
	print_steps(client, client_member(answer, "steps"), "  ");
	if (*over) {
		fputs("  ", out);
		text_print(out, over);
		fprintf(out, ": failsafe, lets it pass\n");
	}
	print_otherwise(client, answer);
}

static int explain_words(struct client *client, struct json_object *packet)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	struct json_object *packets = json_object_new_array(), *first;
	int status;

	if (!packets || json_append(packets, json_object_get(packet))) {
		json_object_put(packets);
		return client_fail(client, "out of memory");
	}
	status = ask(client, packets, &answer);
	if (status)
		return status;
	first = json_object_array_get_idx(client_member(answer, "packets"), 0);
	if (!first)
		return client_fail(client, "the daemon does not answer as it should");
	if (client->value[OPTION_JSON])
		client_json_print(client->out, first);
	else
		print_explanation(client, first);
	return CLIENT_DONE;
}

/* ---- many, of a capture */

static void clear_capture(struct capture *capture)
{
	json_object_put(capture->packets);
}

/* Only where it is can be said of all. */
static int check_said(struct client *client, struct json_object *said)
{
	json_object_object_foreach(said, name, value) {
		(void)value;
		if (strcmp(name, "interface") != 0 && strcmp(name, "direction") != 0)
			return client_usage(client,
					    "with --pcap only in, out and dev can be said: the "
					    "capture says the rest");
	}
	return CLIENT_DONE;
}

static int explain_capture(struct client *client, struct json_object *said)
{
	CLEANUP(clear_capture)
	struct capture capture = {
		.path = client->value[OPTION_PCAP],
		.said = said,
	};
	bool input = !strcmp(capture.path, "-");
	CLEANUP(cleanup_file) FILE *file = input ? NULL : fopen(capture.path, "re");
	int status = check_said(client, said);
	const char *why;

	if (status)
		return status;
	if (!file && !input)
		return client_fail(client, "%s: %s", capture.path, strerror(errno));
	if (pcap_begin(input ? stdin : file, &capture.reader, &why))
		return client_fail(client, "%s: %s", capture.path, why);
	status = read_capture(client, &capture);
	if (!status && capture.packets)
		status = ask_capture(client, &capture);
	if (!status && !client->value[OPTION_JSON])
		fprintf(client->out, "%zu packets: %zu pass, %zu dropped, %zu left out\n",
			capture.seen, capture.passed, capture.dropped, capture.left_out);
	return status;
}

static int add_frame(struct capture *capture, const struct pcap_frame *frame)
{
	static const char digits[] = "0123456789abcdef";
	CLEANUP(cleanup_json) struct json_object *packet = NULL;
	char text[2 * PROBE_FRAME_MAX + 1];

	for (size_t i = 0; i < frame->bytes; i++) {
		text[2 * i] = digits[frame->data[i] >> 4];
		text[2 * i + 1] = digits[frame->data[i] & 15];
	}
	text[2 * frame->bytes] = '\0';
	if (json_object_deep_copy(capture->said, &packet, NULL) ||
	    json_add_text(packet, "frame", text))
		return -ENOMEM;
	if (!capture->packets)
		capture->packets = json_object_new_array();
	if (!capture->packets)
		return -ENOMEM;
	capture->number[json_object_array_length(capture->packets)] = capture->seen;
	return json_append(capture->packets, TAKE_PTR(packet));
}

static void leave_out(struct client *client, struct capture *capture, const char *why)
{
	capture->left_out++;
	fprintf(client->err, "pepctl: packet %zu is left out: %s\n", capture->seen, why);
}

static int read_capture(struct client *client, struct capture *capture)
{
	struct pcap_frame frame;
	int status = CLIENT_DONE, error = 0;

	while (!status && !(error = pcap_next(&capture->reader, &frame)) &&
	       frame.state != PCAP_END) {
		capture->seen++;
		if (frame.state == PCAP_LONG)
			leave_out(client, capture, "it is longer than what can be run dry");
		else if (frame.state == PCAP_CUT)
			leave_out(client, capture, "the capture does not have all of its headers");
		else if (add_frame(capture, &frame))
			return client_fail(client, "out of memory");
		if (client_length(capture->packets) == AT_ONCE)
			status = ask_capture(client, capture);
	}
	return error ? client_fail(client, "%s: is torn behind packet %zu", capture->path,
				   capture->seen)
		     : status;
}

static int take_answer(struct client *client, struct capture *capture, size_t number,
		       struct json_object *answer)
{
	const char *verdict = client_text(answer, "verdict");

	if (!strcmp(verdict, "drop"))
		capture->dropped++;
	else if (!strcmp(verdict, "pass"))
		capture->passed++;
	else
		capture->left_out++;
	if (client->value[OPTION_JSON]) {
		if (json_add_number(answer, "number", number))
			return client_fail(client, "out of memory");
		client_json_print_line(client->out, answer);
		return CLIENT_DONE;
	}
	fprintf(client->out, "%zu ", number);
	print_verdict(client, answer);
	fputs(": ", client->out);
	if (client_member(answer, "packet"))
		client_print_packet(client->out, client_member(answer, "packet"));
	else
		text_print(client->out, client_text(answer, "explanation"));
	fputc('\n', client->out);
	return CLIENT_DONE;
}

static int ask_capture(struct client *client, struct capture *capture)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	size_t count = client_length(capture->packets);
	int status = ask(client, TAKE_PTR(capture->packets), &answer);
	struct json_object *answers = client_member(answer, "packets");

	if (!status && client_length(answers) != count)
		return client_fail(client, "the daemon does not answer as it should");
	for (size_t i = 0; i < count && !status; i++)
		status = take_answer(client, capture, capture->number[i],
				     json_object_array_get_idx(answers, i));
	return status;
}

/* ---- printing */

/* "drop, policy no-telnet" */
static void print_verdict(struct client *client, struct json_object *answer)
{
	const char *verdict = client_text(answer, "verdict"),
		   *policy = client_text(answer, "policy");
	FILE *out = client->out;

	if (!*verdict)
		verdict = "unknown";
	fputs(text_color(strcmp(verdict, "drop") ? COLOR_GOOD : COLOR_BAD, client->color), out);
	fputs(verdict, out);
	fputs(text_color(COLOR_NONE, client->color), out);
	if (*policy)
		fputs(", policy ", out);
	else if (*client_text(answer, "reason"))
		fputs(", reason ", out);
	text_print(out, *policy ? policy : client_text(answer, "reason"));
}

static const char *result_words(const char *result)
{
	static const char *const words[][2] = {
		{ "pass", "lets it pass" },
		{ "drop", "drops it" },
		{ "continue", "goes on to the next" },
		{ "overruled", "would drop it, and is overruled" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i][0], result))
			return words[i][1];
	return result;
}

static void print_steps(struct client *client, struct json_object *steps, const char *indent)
{
	for (size_t i = 0; i < client_length(steps); i++) {
		struct json_object *step = json_object_array_get_idx(steps, i);
		struct json_object *limit = client_member(step, "within_limit");

		fputs(indent, client->out);
		text_print(client->out, client_text(step, "policy"));
		fprintf(client->out, ": %s%s%s, %s\n", client_text(step, "action"),
			!limit				 ? ""
			: json_object_get_boolean(limit) ? " within its limit"
							 : " over its limit",
			json_object_get_boolean(client_member(step, "log")) ? ", reports it" : "",
			result_words(client_text(step, "result")));
	}
}
