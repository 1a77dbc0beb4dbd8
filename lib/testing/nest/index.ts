export { GroupcacheTesting, GroupcacheTestingModule } from './groupcache-testing.module.js';
