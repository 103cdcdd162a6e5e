// Starts the vendor-neutral simulation of commercetools on a free port of 127.0.0.1 and prints the
// port. The only argument is the folder that it is installed in.
//
// Three gaps are closed here, since without them nothing of ours could be compared: the simulation's
// HTTP layer drops `sort`, although its storage sorts, it keeps a delivery's `deliveryKey` by that
// name, although the API's own Delivery has it as `key`, and it drops a new product's `priceMode`.
// A test may also date what it makes: by the header `x-changed-at`, which no connector sends.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const installed = createRequire(join(process.argv[2], 'package.json'));
const entry = installed.resolve('@labdigital/commercetools-mock');
const { CommercetoolsMock, InMemoryStorage } = await import(pathToFileURL(entry));
const asked = new AsyncLocalStorage();

class Storage extends InMemoryStorage {
  query(project, kind, params) {
    const sort = asked.getStore()?.query?.sort;
    return super.query(project, kind, sort ? { ...params, sort: [sort].flat() } : params);
  }

  add(project, kind, resource) {
    for (const delivery of resource.shippingInfo?.deliveries ?? []) {
      delivery.key ??= delivery.deliveryKey;
      delete delivery.deliveryKey;
    }
    const changed = asked.getStore()?.headers?.['x-changed-at'];
    if (changed) resource.lastModifiedAt = changed;
    if (kind === 'product') resource.priceMode ??= asked.getStore()?.body?.priceMode;
    return super.add(project, kind, resource);
  }
}

const mock = new CommercetoolsMock({
  defaultProjectKey: 'lab',
  enableAuthentication: true,
  validateCredentials: true,
  strict: true,
  storage: new Storage(),
});
mock.app.addHook('onRequest', (request, _reply, done) => asked.run(request, done));
await mock.app.listen({ port: 0, host: '127.0.0.1' });
console.log(mock.app.server.address().port);
// The test that started it holds the other end of standard input: with it gone, so is this process.
process.stdin.on('end', () => process.exit(0)).resume();
