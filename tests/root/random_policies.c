// SPDX-License-Identifier: Apache-2.0
#include "random_policies.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "json.h"
#include "policy_json.h"
#include "policyset.h"
#include "problem.h"

#define PICK(array) ((array)[draw(ARRAY_SIZE(array))])

#define SEED 0x9e3779b97f4a7c15ULL

static uint64_t seed;
static int64_t expires_around_s;

/* PEPCTL_SEED makes another run of it. */
static uint64_t first_seed(void)
{
	const char *text = getenv("PEPCTL_SEED");

	return SEED ^ (text ? strtoull(text, NULL, 10) * 0xbf58476d1ce4e5b9ULL : 0);
}

uint32_t draw(uint32_t below)
{
	if (!seed)
		seed = first_seed();
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

/* ---- policies of few values, so that they meet */

static const char *const ip4[] = {
	"\"any\"",
	"\"10.0.0.0/8\"",
	"\"10.1.0.0/16\"",
	"\"10.1.2.0/24\"",
	"\"10.1.2.3\"",
	"\"10.1.2.3-10.1.4.7\"",
	"[\"10.1.2.0/24\",\"10.9.0.0/16\"]",
	"[\"!10.1.2.3\"]",
	"[\"10.0.0.0/8\",\"!10.1.0.0/16\"]",
	"\"192.168.0.0-192.168.0.2\"",
	"\"0.0.0.0/1\"",
	"[\"10.1.2.3\",\"2001:db8:1::/48\"]",
	"\"8.0.0.0/5\"",
};
static const char *const ip6[] = {
	"\"2001:db8::/32\"",
	"\"2001:db8:1::/48\"",
	"\"2001:db8:1:2::/64\"",
	"\"2001:db8:1:2::3\"",
	"\"2001:db8:1:2::3-2001:db8:1:3::\"",
	"\"2000::/3\"",
	"[\"2001:db8::/32\",\"!2001:db8:1::/48\"]",
	"[\"2001:db8:1:2::/64\",\"fe80::/10\"]",
};
static const char *const ports[] = {
	"80", "443", "\"80-443\"", "[22,80]", "[\"1-1023\",8080]", "53", "\"53-53\"", "\"0-65535\"",
};
static const char *const protocols[] = { "tcp", "udp", "sctp", "icmp", "icmpv6", "gre" };
static const char *const flags[] = { "syn", "syn,!ack", "ack", "!rst", "fin,ack" };
static const char *const dscps[] = { "0", "46", "[0,8]", "\"ef\"" };
static const char *const lengths[] = { "\"20-60\"", "\"61-1500\"", "48", "\"0-65535\"" };
static const char *const ttls[] = { "\"1-63\"", "64", "\"64-255\"" };
static const char *const vlans[] = { "100", "\"none\"", "[100,200]", "\"100-150\"" };
static const char *const interfaces[] = { "\"orc0\"", "\"orc1\"", "[\"orc0\",\"orc1\"]" };
static const char *const actions[] = {
	"ALLOW", "BLOCK", "BLOCK", "ALLOW", "RATE_LIMIT", "LOG_ONLY"
};

struct text {
	char *at;
	char *end;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	t->at += vsnprintf(t->at, (size_t)(t->end - t->at), format, arguments);
	va_end(arguments);
}

static void add_endpoint(struct text *t, const char *name, int family, bool with_ports)
{
	const char *ip = family == 2 ? "\"any\"" : family ? PICK(ip6) : PICK(ip4);

	if (draw(3) == 0)
		return;
	add(t, ",\"%s\":{\"ip\":%s", name, draw(4) ? ip : "\"any\"");
	if (with_ports && draw(2))
		add(t, ",\"port\":%s", PICK(ports));
	add(t, "}");
}

static void add_transport(struct text *t, const char *protocol)
{
	if (strcmp(protocol, "any"))
		add(t, ",\"protocol\":\"%s\"", protocol);
	if (!strncmp(protocol, "icmp", 4) && draw(2)) {
		add(t, ",\"icmp_type\":%s", strcmp(protocol, "icmp") ? "128" : "8");
		if (draw(2))
			add(t, ",\"icmp_code\":0");
	}
	if (!strcmp(protocol, "tcp") && draw(4) == 0)
		add(t, ",\"tcp_flags\":\"%s\"", PICK(flags));
}

static void add_extras(struct text *t)
{
	if (draw(8) == 0)
		add(t, ",\"interface\":%s", PICK(interfaces));
	if (draw(10) == 0)
		add(t, ",\"vlan\":%s", PICK(vlans));
	if (draw(10) == 0)
		add(t, ",\"dscp\":%s", PICK(dscps));
	if (draw(10) == 0)
		add(t, ",\"length\":%s", PICK(lengths));
	if (draw(10) == 0)
		add(t, ",\"ttl\":%s", PICK(ttls));
	if (draw(16) == 0)
		add(t, ",\"fragment\":%s", draw(2) ? "true" : "false");
}

static void add_expiry(struct text *t)
{
	time_t expires = (time_t)expires_around_s - 2 + draw(20);
	char text[32];
	struct tm parts;

	if (expires_around_s && draw(3) == 0) {
		gmtime_r(&expires, &parts);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
		add(t, ",\"expires_at\":\"%s\"", text);
	} else if (draw(10) == 0) {
		add(t, ",\"expires_at\":\"%s\"",
		    draw(2) ? "2020-01-01T00:00:00Z" : "2090-01-01T00:00:00Z");
	}
}

static void add_action(struct text *t)
{
	const char *action = PICK(actions);

	add(t, ",\"action\":\"%s\"", action);
	if (!strcmp(action, "RATE_LIMIT")) {
		if (draw(2))
			add(t, ",\"rate_limit_bytes_per_second\":100000000");
		else
			add(t, ",\"rate_limit_packets_per_second\":1000000");
		if (draw(2))
			add(t, ",\"conform\":\"continue\"");
	}
	if (draw(10) == 0)
		add(t, ",\"enabled\":false");
	add_expiry(t);
	if (draw(2))
		add(t, ",\"priority\":%u", draw(4) * 500);
	if (draw(4) == 0)
		add(t, ",\"log\":true");
}

static void add_policy(struct text *t, unsigned int number, bool failsafe)
{
	static const char *const directions[] = { "ingress", "egress", "both" };
	const char *protocol = draw(3) ? PICK(protocols) : "any";
	int family = !strcmp(protocol, "icmp") ? 0 : !strcmp(protocol, "icmpv6") ? 1 : (int)draw(3);
	bool with_ports = !strcmp(protocol, "any") || !strcmp(protocol, "tcp") ||
			  !strcmp(protocol, "udp") || !strcmp(protocol, "sctp");

	add(t, "{\"id\":\"%s%u\",\"direction\":\"%s\"", failsafe ? "safe" : "p", number,
	    PICK(directions));
	add_endpoint(t, "src", family, with_ports);
	add_endpoint(t, "dst", family, with_ports);
	add_transport(t, protocol);
	add_extras(t);
	if (!failsafe)
		add_action(t);
	add(t, "}");
}

static void fail(const char *what, const char *json, const struct problems *problems)
{
	fprintf(stderr, "%s: %s\n", what, json);
	for (size_t i = 0; i < problems->count; i++)
		fprintf(stderr, "  %s: %s\n", problems->list[i].pointer, problems->list[i].detail);
	exit(1);
}

void random_policies_expire(int64_t now_s)
{
	expires_around_s = now_s;
}

struct policyset *parse_set(const char *text, bool failsafe)
{
	struct policy_source source = { .file = !failsafe,
					.failsafe = failsafe,
					.now_us = 1700000000000000 };
	struct policyset *empty = policyset_new(), *set = NULL;
	struct problems problems = { 0 };
	struct policy_list list = { 0 };
	struct json_object *json = NULL;

	if (json_read(text, strlen(text), 0, &json, &problems) ||
	    policy_parse_list(json, &source, &list, &problems))
		fail("not parsed", text, &problems);
	json_object_put(json);
	if (!empty || policyset_add(empty, list.policy, list.count, &set))
		fail("no set", text, &problems);
	policy_list_clear(&list);
	policyset_put(&empty);
	problems_clear(&problems);
	return set;
}

struct policyset *random_set(unsigned int count, bool failsafe, char ret_json[RANDOM_JSON_BYTES])
{
	return random_set_from(0, count, failsafe, ret_json);
}

struct policyset *random_set_from(unsigned int first, unsigned int count, bool failsafe,
				  char ret_json[RANDOM_JSON_BYTES])
{
	struct text text = { ret_json, ret_json + RANDOM_JSON_BYTES };

	add(&text, "[");
	for (unsigned int i = 0; i < count; i++) {
		add(&text, i ? ",\n" : "");
		add_policy(&text, first + i, failsafe);
	}
	add(&text, "]");
	return parse_set(ret_json, failsafe);
}
