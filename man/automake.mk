# SPDX-License-Identifier: Apache-2.0

# They name the directories of a build without --prefix.
dist_man_MANS += \
	man/pepctl-api.7 \
	man/pepctl-config.5 \
	man/pepctl-policy.5 \
	man/pepctl.8 \
	$(END)
