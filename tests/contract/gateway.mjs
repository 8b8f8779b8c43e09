// AssemblyAI's client for Node against the server whose URL is the argument; prints what it was told, as JSON.
import { AssemblyAI } from "assemblyai";

const url = process.argv[2];
const client = new AssemblyAI({ apiKey: "any", baseUrl: url, llmGatewayBaseUrl: url });
const messages = [{ role: "user", content: "My name is Siobhan Kelly." }];
const answer = await client.llmGateway.chatCompletions({ model: "small", messages });
const models = await client.llmGateway.listModels();
let error = {};
try {
  await client.llmGateway.chatCompletions({ model: "other", messages });
} catch (fault) {
  error = { message: fault.message, status: fault.status ?? fault.statusCode };
}
console.log(
  JSON.stringify({
    content: answer.choices[0].message.content,
    tokens: answer.usage.total_tokens,
    models: models.data.length,
    error,
  }),
);
