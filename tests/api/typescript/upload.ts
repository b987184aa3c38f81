// Uploads a file by the form and finds it in the list, by a client that was made from the OpenAPI document.
// Usage: node made/upload.js ADDRESS FILE
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const [address, file] = process.argv.slice(2);
if (address === undefined || file === undefined) throw new Error("Say where the api is, and which file to send.");

const client = createClient<paths>({ baseUrl: address });
const content = new Blob([new Uint8Array(await readFile(file))]);

const uploaded = await client.POST("/api/v1/videos/upload", {
  params: { header: { "idempotency-key": "typescript-1" } },
  body: { file: basename(file), title: "From TypeScript", metadata: JSON.stringify({ order: "4711" }) },
  // OpenAPI calls the bytes of a file a string, so they are put in where the form is made.
  bodySerializer: ({ file, ...texts }) => {
    const form = new FormData();
    for (const [name, text] of Object.entries(texts)) if (text !== undefined) form.append(name, text);
    form.append("file", content, file);
    return form;
  },
});
if (uploaded.error) throw new Error(`${uploaded.error.code}: ${uploaded.error.detail}`);

const listed = await client.GET("/api/v1/videos", { params: { query: { limit: 10, title: "typescript" } } });
if (listed.error) throw new Error(listed.error.code);
const video: components["schemas"]["VideoView"] | undefined = listed.data.items[0];

const missing = await client.GET("/api/v1/videos/{video_id}", {
  params: { path: { video_id: "00000000-0000-4000-8000-000000000000" } },
});

console.log(
  JSON.stringify({
    uploaded: uploaded.data.video_id,
    listed: video?.id,
    status: video?.status,
    order: video?.metadata["order"],
    missing: missing.error?.code,
  }),
);
