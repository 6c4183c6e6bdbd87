# SPDX-License-Identifier: Apache-2.0
# What the daemon serves as it is: the node's own OpenAPI document and what its pages load. In the
# build folder and when installed, ours and the viewers lie in one folder, assets/.

# sorted: *.css *.js *.json
dist_assets_DATA = \
	%reldir%/openapi.json \
	%reldir%/page.css \
	%reldir%/redoc.js \
	%reldir%/swagger.js

# As tools/get-browser-assets names them; the licences go with what they are about.
browser_assets = \
	redoc.LICENSE \
	redoc.standalone.js \
	redoc.standalone.js.LICENSE.txt \
	swagger-ui-bundle.js \
	swagger-ui-bundle.js.LICENSE.txt \
	swagger-ui.LICENSE \
	swagger-ui.NOTICE \
	swagger-ui.css

own_asset_links = $(dist_assets_DATA:%reldir%/%=assets/%)
built_links += $(own_asset_links)
$(own_asset_links): assets/%: %reldir%/%
	$(AM_V_at)$(MKDIR_P) assets && rm -f $@ && $(LN_S) '$(abs_top_srcdir)/%reldir%/$*' $@

if BROWSER_ASSETS
browser_asset_links = $(browser_assets:%=assets/%)
built_links += $(browser_asset_links)
nodist_assets_DATA = $(browser_asset_links)
$(browser_asset_links): assets/%: $(browser_assets_dir)/%
	$(AM_V_at)$(MKDIR_P) assets && rm -f $@ && $(LN_S) '$(browser_assets_dir)/$*' $@
endif

# A tarball without the viewers would need a network to build all of the daemon.
.PHONY: need-browser-assets
need-browser-assets:
	@test -f '$(browser_assets_dir)/redoc.standalone.js' || { \
		echo 'make dist: run tools/get-browser-assets and configure again' >&2; exit 1; }
