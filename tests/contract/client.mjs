// AssemblyAI's own JavaScript client, unmodified, against the server at argv[2]: everything that it can ask for of a
// recording (argv[3], also served at argv[4]). Prints one JSON object of what it was given; the test looks at that.
import { readFile, writeFile } from "node:fs/promises";
import { AssemblyAI } from "assemblyai";

const [baseUrl, file, url, saved, apiKey, webhook] = process.argv.slice(2);
const client = new AssemblyAI({ apiKey, baseUrl });
const poll = { pollingInterval: 200 };
const redact = { redact_pii: true, redact_pii_policies: ["person_name"], redact_pii_sub: "entity_name" };
const told = {};

const hidden = await client.transcripts.transcribe(
  { audio: file, ...redact, redact_pii_audio: true, redact_pii_audio_quality: "wav", entity_detection: true,
    redact_static_entities: { line: ["Microsoft Speech"] }, webhook_url: webhook, speech_models: ["universal"] },
  poll,
);
told.hidden = hidden;
told.audio = await client.transcripts.redactedAudio(hidden.id);
const sound = await client.transcripts.redactedAudioFile(hidden.id);
await writeFile(saved, Buffer.from(await sound.arrayBuffer()));
told.srt = await client.transcripts.subtitles(hidden.id, "srt");
told.vtt = await client.transcripts.subtitles(hidden.id, "vtt", 32);
told.sentences = await client.transcripts.sentences(hidden.id);
told.paragraphs = await client.transcripts.paragraphs(hidden.id);
told.search = await client.transcripts.wordSearch(hidden.id, ["good morning", "Steve"]);

const uploaded = await client.files.upload(await readFile(file));
told.both = await client.transcripts.transcribe(
  { audio: uploaded, ...redact, redact_pii_sub: "hash", redact_pii_return_unredacted: true }, poll);
told.byUrl = await client.transcripts.transcribe({ audio: url }, poll);

const first = await client.transcripts.list({ limit: 2 });
told.list = first;
told.older = first.page_details.prev_url ? await client.transcripts.list(first.page_details.prev_url) : null;
told.deleted = await client.transcripts.delete(hidden.id);
told.after = await client.transcripts.get(hidden.id);
told.errors = {};
for (const [name, ask] of Object.entries({
  unknown: () => client.transcripts.get("9ea68fd3-f953-42c1-9742-976c447fb463"),
  policy: () => client.transcripts.submit({ audio: url, redact_pii: true, redact_pii_policies: ["nobody"] }),
  key: () => new AssemblyAI({ apiKey: "wrong", baseUrl }).transcripts.list(),
})) {
  try {
    await ask();
    told.errors[name] = null;
  } catch (error) {
    told.errors[name] = error.message;
  }
}
process.stdout.write(JSON.stringify(told));
