// Ours: shows the gateway's own OpenAPI document; nothing is asked of another host.
SwaggerUIBundle({ url: "openapi.json", dom_id: "#page", validatorUrl: null });
