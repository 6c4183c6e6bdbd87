// SPDX-License-Identifier: Apache-2.0
// Starts Swagger UI in the page that loads this file; the page's policy forbids scripts inside it.
"use strict";

(() => {
  const place = document.getElementById("viewer");

  window.ui = SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: true,
    displayRequestDuration: true,
    // Asks a server of its makers otherwise.
    validatorUrl: null,
  });
})();
