# SPDX-License-Identifier: Apache-2.0
# What makes it a service, with the directories of this build. Where systemd's
# own are is asked by configure; an empty one gets nothing.

systemdsystemunit_DATA = systemd/pepctl.service
sysusers_DATA = systemd/sysusers/pepctl.conf
tmpfiles_DATA = systemd/tmpfiles/pepctl.conf
logrotatedir = $(sysconfdir)/logrotate.d
logrotate_DATA = systemd/logrotate/pepctl

service_files = $(systemdsystemunit_DATA) $(sysusers_DATA) $(tmpfiles_DATA) $(logrotate_DATA)
EXTRA_DIST += $(service_files:=.in)
CLEANFILES += $(service_files)

$(service_files): $(service_files:=.in) Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed -e 's,@bindir[@],$(bindir),g' \
		-e 's,@libdir[@],$(libdir),g' -e 's,@sysconfdir[@],$(sysconfdir),g' \
		-e 's,@localstatedir[@],$(localstatedir),g' \
		-e 's,@runstatedir[@],$(runstatedir),g' $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@

# The configuration is the administrator's: one that is there stays, and goes
# only when nobody has changed it.
installed_config = "$(DESTDIR)$(sysconfdir)/pepctl/config.json"

install-data-local:
	$(MKDIR_P) "$(DESTDIR)$(sysconfdir)/pepctl"
	test -e $(installed_config) || \
		$(INSTALL_DATA) $(srcdir)/examples/config.json $(installed_config)

uninstall-local:
	! cmp -s $(srcdir)/examples/config.json $(installed_config) || rm -f $(installed_config)
	! test -d "$(DESTDIR)$(sysconfdir)/pepctl" || \
		rmdir --ignore-fail-on-non-empty "$(DESTDIR)$(sysconfdir)/pepctl"
