# SPDX-License-Identifier: Apache-2.0
# Units and what goes with them. configure says where to; automake installs nothing into a folder without a name.

# sorted: *.socket
systemd_sockets = \
	%reldir%/gatehoused-http.socket \
	%reldir%/gatehoused-https.socket \
	%reldir%/gatehoused.socket
systemd_services = \
	%reldir%/gatehoused.service \
	%reldir%/gatehoused@.service
systemd_user_services = %reldir%/user/gatehoused.service
made_units = $(systemd_services) $(systemd_user_services)

systemdsystemunit_DATA = $(systemd_sockets) $(systemd_services)
systemduserunit_DATA = $(systemd_user_services)
dist_sysusers_DATA = %reldir%/sysusers.d/gatehouse.conf
dist_tmpfiles_DATA = %reldir%/tmpfiles.d/gatehouse.conf
EXTRA_DIST += $(systemd_sockets)
# sorted: *.in user/*.in
EXTRA_DIST += \
	%reldir%/gatehoused.service.in \
	%reldir%/gatehoused@.service.in \
	%reldir%/user/gatehoused.service.in

built_links += $(made_units)
CLEANFILES += $(made_units)
$(made_units): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
		$(SED) 's|@bindir[@]|$(bindir)|g' '$(srcdir)/$@.in' >$@.new && mv $@.new $@
