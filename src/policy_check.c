// SPDX-License-Identifier: Apache-2.0
/*
 * What the members of a policy must say together.
 */
#include "address.h"
#include "cleanup.h"
#include "policy.h"
#include "policy_field.h"
#include "policy_json.h"
#include "problem.h"
#include "protocol.h"

#define BITS2(a, b) (MEMBER_BIT(a) | MEMBER_BIT(b))
#define RATE_BITS (BITS2(MEMBER_BYTE_RATE, MEMBER_PACKET_RATE))
#define BURST_BITS (BITS2(MEMBER_BURST_BYTES, MEMBER_BURST_PACKETS))
#define PORT_BITS (BITS2(MEMBER_SRC_PORT, MEMBER_DST_PORT))
#define ADDRESS_BITS (BITS2(MEMBER_SRC_IP, MEMBER_DST_IP))

/* A burst that takes longer than this to refill is a mistake, and would not fit the clock. */
#define BURST_SECONDS_MAX 86400

static void check_action(const struct field_reader *reader)
{
	if (reader->source->failsafe) {
		if (reader->policy->action != PEP_ACTION_ALLOW)
			problem_add(reader->problems, "/action",
				    "a failsafe policy can only ALLOW");
	} else if (!(reader->given & MEMBER_BIT(MEMBER_ACTION))) {
		problem_add(reader->problems, "/action",
			    "is missing: \"ALLOW\", \"BLOCK\", \"RATE_LIMIT\" or \"LOG_ONLY\"");
	}
}

static void check_failsafe(const struct field_reader *reader)
{
	if (!reader->source->failsafe)
		return;
	if (reader->given & MEMBER_BIT(MEMBER_EXPIRY))
		problem_add(reader->problems, "/expires_at", "a failsafe policy does not expire");
}

static void check_limit(const struct field_reader *reader)
{
	const struct policy *policy = reader->policy;
	bool limited = policy->rare->bytes.per_second || policy->rare->packets.per_second;

	if (policy->action == PEP_ACTION_RATE_LIMIT && !limited)
		problem_add(reader->problems, "",
			    "RATE_LIMIT needs \"rate_limit_bytes_per_second\" or "
			    "\"rate_limit_packets_per_second\"");
	if (policy->action != PEP_ACTION_RATE_LIMIT && limited)
		problem_add(reader->problems,
			    policy->rare->bytes.per_second ? "/rate_limit_bytes_per_second"
							   : "/rate_limit_packets_per_second",
			    "a limit needs \"action\": \"RATE_LIMIT\"");
	if (policy->action != PEP_ACTION_RATE_LIMIT && policy->conform_continue)
		problem_add(reader->problems, "/conform",
			    "only RATE_LIMIT has packets that conform");
}

static void check_burst(const struct field_reader *reader)
{
	static const char *const pointers[] = { "/burst_bytes", "/burst_packets" };
	static const char *const rates[] = { "rate_limit_bytes_per_second",
					     "rate_limit_packets_per_second" };
	const struct rate *limits[] = { &reader->policy->rare->bytes,
					&reader->policy->rare->packets };

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if (!limits[i]->burst)
			continue;
		if (!limits[i]->per_second)
			problem_add(reader->problems, pointers[i], "a burst needs \"%s\"",
				    rates[i]);
		else if ((limits[i]->burst - 1) / BURST_SECONDS_MAX >= limits[i]->per_second)
			problem_add(reader->problems, pointers[i],
				    "%llu takes more than a day to refill at %llu per second",
				    (unsigned long long)limits[i]->burst,
				    (unsigned long long)limits[i]->per_second);
	}
}

static void check_ports(const struct field_reader *reader)
{
	const struct policy *policy = reader->policy;

	if (protocol_has_ports(policy->protocol) || !(policy->sport.count + policy->dport.count))
		return;
	problem_add(reader->problems, policy->dport.count ? "/dst/port" : "/src/port",
		    "packets of this protocol have no ports: \"protocol\" must be \"tcp\", "
		    "\"udp\", \"sctp\" or \"any\"");
}

static void check_tcp_flags(const struct field_reader *reader)
{
	if (reader->policy->tcp_flags_mask && reader->policy->protocol != PROTOCOL_TCP)
		problem_add(reader->problems, "/tcp_flags", "needs \"protocol\": \"tcp\"");
}

static bool covers(const struct address_list *list)
{
	return address_list_has_family(list, PEP_IPV4) || address_list_has_family(list, PEP_IPV6);
}

static void check_addresses(const struct field_reader *reader)
{
	const struct policy *policy = reader->policy;
	bool src = covers(&policy->src), dst = covers(&policy->dst);
	bool both[PEP_FAMILIES];

	if (!src)
		problem_add(reader->problems, "/src/ip", "the exclusions leave no address");
	if (!dst)
		problem_add(reader->problems, "/dst/ip", "the exclusions leave no address");
	if (!src || !dst)
		return;
	for (int family = 0; family < PEP_FAMILIES; family++)
		both[family] = address_list_has_family(&policy->src, family) &&
			       address_list_has_family(&policy->dst, family);
	if (!both[PEP_IPV4] && !both[PEP_IPV6])
		problem_add(reader->problems, "",
			    "can match no packet: the source is of one IP family and the "
			    "destination of the other");
	else if (policy->protocol == PROTOCOL_ICMP && !both[PEP_IPV4])
		problem_add(reader->problems, "/protocol",
			    "can match no packet: the addresses are IPv6, which has \"icmpv6\"");
	else if (protocol_is_extension(policy->protocol) && !both[PEP_IPV4])
		problem_add(reader->problems, "/protocol",
			    "can match no packet: %d is an extension header in IPv6, behind which "
			    "the protocol is looked for",
			    policy->protocol);
	else if (protocol_is_extension(policy->protocol) && both[PEP_IPV6])
		problem_warn(reader->problems, "/protocol",
			     "applies to IPv4 alone: %d is an extension header in IPv6, behind "
			     "which the protocol is looked for",
			     policy->protocol);
	else if (policy->protocol == PROTOCOL_ICMPV6 && !both[PEP_IPV6])
		problem_add(reader->problems, "/protocol",
			    "can match no packet: the addresses are IPv4, which has \"icmp\"");
}

static const struct {
	uint64_t depends; /* not asked when one of these was refused */
	void (*check)(const struct field_reader *reader);
} checks[] = {
	{ MEMBER_BIT(MEMBER_ACTION), check_action },
	{ 0, check_failsafe },
	{ MEMBER_BIT(MEMBER_ACTION) | MEMBER_BIT(MEMBER_CONFORM) | RATE_BITS, check_limit },
	{ RATE_BITS | BURST_BITS, check_burst },
	{ MEMBER_BIT(MEMBER_PROTOCOL) | PORT_BITS, check_ports },
	{ BITS2(MEMBER_PROTOCOL, MEMBER_TCP_FLAGS), check_tcp_flags },
	{ MEMBER_BIT(MEMBER_PROTOCOL) | ADDRESS_BITS, check_addresses },
};

void policy_check(struct field_reader *reader)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (!(reader->failed & checks[i].depends))
			checks[i].check(reader);
}
