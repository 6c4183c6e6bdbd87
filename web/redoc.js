// SPDX-License-Identifier: Apache-2.0
// Starts ReDoc in the page that loads this file; the page's policy forbids scripts inside it.
"use strict";

(() => {
  const place = document.getElementById("viewer");
  const fonts = "system-ui, sans-serif";

  Redoc.init(
    place.dataset.document,
    { theme: { typography: { fontFamily: fonts, headings: { fontFamily: fonts } } } },
    place,
  );
})();
