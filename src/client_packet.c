// SPDX-License-Identifier: Apache-2.0
#include "client_packet.h"

#include <json-c/json.h>
#include <string.h>

#include "client_json.h"
#include "client_text.h"

static void print_endpoint(FILE *out, struct json_object *packet, const char *address,
			   const char *port)
{
	const char *ip = client_text(packet, address);
	bool brackets = strchr(ip, ':') && *client_text(packet, port);

	fputs(brackets ? "[" : "", out);
	text_print(out, ip);
	fputs(brackets ? "]" : "", out);
	if (*client_text(packet, port))
		fprintf(out, ":%s", client_text(packet, port));
}

static void print_icmp(FILE *out, struct json_object *packet)
{
	const char *type = client_text(packet, "icmp_type");

	if (*type)
		fprintf(out, " type %s code %s", type, client_text(packet, "icmp_code"));
}

void client_print_packet(FILE *out, struct json_object *packet)
{
	if (client_member(packet, "src")) {
		fprintf(out, "%s ", client_text(packet, "protocol"));
		print_endpoint(out, packet, "src", "sport");
		fputs(" > ", out);
		print_endpoint(out, packet, "dst", "dport");
		print_icmp(out, packet);
		fputs(", ", out);
	}
	fprintf(out, "%s bytes", client_text(packet, "length"));
}
