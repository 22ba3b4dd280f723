import t from 'tap';
import { createMemoryRecordingRepository } from '../../src/store/memory/recording-repository.ts';
import { testRecordingRepository } from './recording-repository.ts';

testRecordingRepository(t, 'memory', async () => createMemoryRecordingRepository());
