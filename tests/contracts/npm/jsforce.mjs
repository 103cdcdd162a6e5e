// Drives an org with jsforce, a client that is not ours, and writes what it saw as JSON.
//
// The first argument is where the packages are installed; the job comes on standard input:
// {url, secret, key (PEM), ended (an access token), orders (ids)}.
import { createSign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const jsforce = createRequire(`${process.argv[2]}/`)('jsforce');
const job = JSON.parse(readFileSync(0, 'utf8'));
const version = '66.0';
const seen = {};

const fault = async (call) => {
  try {
    await call();
    return null;
  } catch (error) {
    return { code: error.errorCode ?? error.name, message: error.message };
  }
};

const connect = async (params, clientSecret) => {
  const oauth2 = { loginUrl: job.url, clientId: 'lockstep', clientSecret };
  const connection = new jsforce.Connection({ version, oauth2, instanceUrl: job.url });
  await connection.authorize(params);
  return connection;
};

const assertion = (sub) => {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 180;
  const claims = { iss: 'lockstep', sub, aud: job.url, exp };
  const text = `${encode({ alg: 'RS256' })}.${encode(claims)}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(job.key, 'base64url')}`;
};

// Tokens
const jwt = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const signed = (sub) => connect({ grant_type: jwt, assertion: assertion(sub) });
seen.signed = (await signed('sync@example.com')).instanceUrl;
seen.notApproved = await fault(() => signed('other@example.com'));
seen.wrongSecret = await fault(() => connect({ grant_type: 'client_credentials' }, 'other'));
const org = await connect({ grant_type: 'client_credentials' }, job.secret);
const ended = new jsforce.Connection({ version, instanceUrl: job.url, accessToken: job.ended });
seen.ended = await fault(() => ended.query('SELECT Id FROM Account'));

// Queries
const text = 'SELECT Id, OrderNumber, Account.Name, (SELECT Id FROM OrderItemSummaries) '
  + 'FROM OrderSummary ORDER BY OrderNumber';
const first = await org.query(text);
seen.first = { total: first.totalSize, done: first.done, rows: first.records.length };
const all = await org.query(text, { autoFetch: true, maxFetch: 1000 });
seen.numbers = all.records.map((row) => row.OrderNumber);
seen.children = all.records[0].OrderItemSummaries.totalSize;
seen.found = (await org.sobject('OrderSummary').find({ OrderNumber: '1003' }, 'Id, OrderNumber'))
  .map((row) => row.OrderNumber);
seen.limit = org.limitInfo.apiUsage;
seen.limits = (await org.limits()).DailyApiRequests.Max;

// Records
const values = { OrderSummaryId: job.orders[0], ShipToName: 'Jane Doe' };
const upsert = (row) => org.sobject('Shipment').upsert(row, 'Lockstep_Key__c');
const made = await upsert({ Lockstep_Key__c: 'k1', ...values });
const changed = await upsert({ Lockstep_Key__c: 'k1', TrackingNumber: 'T1' });
seen.upserts = [made, changed].map(({ success, created }) => ({ success, created }));
seen.same = made.id === changed.id;
seen.tracking = (await org.sobject('Shipment').retrieve(made.id)).TrackingNumber;
seen.missing = await fault(() => org.sobject('Shipment').retrieve('0OB000000000000AAA'));

// Collections
const rows = [...Array(205).keys()].map((n) => ({ Name: `Account ${n}` }));
const created = await org.sobject('Account').create(rows, { allowRecursive: true });
seen.created = created.filter((row) => row.success).length;
const ids = created.map((row) => row.id).slice(0, 200);
const updated = await org.sobject('Account').update([
  { Id: ids[0], Name: 'Changed' },
  { Id: ids[1], Nothing__c: 'x' },
]);
seen.updated = updated.map((row) => row.errors?.[0]?.statusCode ?? row.success);
const both = [ids[0], '001999999999999AAA'];
const read = await org.sobject('Account').retrieve(both, { fields: ['Name'] });
seen.read = read.map((row) => row?.Name ?? null);
const whole = await org.sobject('Account').destroy(both, { allOrNone: true });
seen.whole = whole.map((row) => row.errors[0].statusCode);
seen.destroyed = (await org.sobject('Account').destroy(ids)).filter((row) => row.success).length;
seen.left = (await org.query('SELECT COUNT() FROM Account WHERE Name LIKE \'Account %\'')).totalSize;

// Jobs of the Bulk API 2.0
// Their client calls the host's root, where an org of the vendor is: here it is below a path.
const host = createServer((request, response) => {
  const { method, headers, url: path } = request;
  const onward = forward(`${job.url}${path}`, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  request.pipe(onward);
}).listen(0, '127.0.0.1');
await once(host, 'listening');
const instanceUrl = `http://127.0.0.1:${host.address().port}`;
const jobs = new jsforce.Connection({ version, instanceUrl, accessToken: org.accessToken }).bulk2;
jobs.pollInterval = 50;
const loaded = await jobs.loadAndWaitForResults({
  object: 'Shipment', operation: 'upsert', externalIdFieldName: 'Lockstep_Key__c',
  input: [
    { Lockstep_Key__c: 'b1', ...values },
    { Lockstep_Key__c: 'k1', TrackingNumber: 'T2' },
    { Lockstep_Key__c: 'b2', OrderSummaryId: '0'.repeat(18), ShipToName: 'x' },
  ],
});
seen.loaded = loaded.successfulResults.map((row) => row.sf__Created);
seen.notLoaded = loaded.failedResults.map((row) => row.sf__Error.split(':')[0]);
seen.notSeen = loaded.unprocessedRecords.length;
const stream = await jobs.query('SELECT OrderNumber FROM OrderSummary');
seen.streamed = (await stream.toArray()).map((row) => row.OrderNumber).sort();
seen.noJob = await fault(() => jobs.job('ingest', { id: '750000000000999AAA' }).check());

// Descriptions and refusals
seen.objects = (await org.describeGlobal()).sobjects.some((each) => each.name === 'Shipment');
seen.external = (await org.describe('Shipment')).fields
  .filter((field) => field.externalId).map((field) => field.name);
seen.malformed = await fault(() => org.query('SELECT Id FROM'));
seen.noField = await fault(() => org.query('SELECT Nothing__c FROM Account'));
seen.required = await fault(() => org.sobject('Shipment').create({ TrackingNumber: 'T1' }));

process.stdout.write(JSON.stringify(seen), () => process.exit(0));
