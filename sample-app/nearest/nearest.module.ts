import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { City } from '../cities/city.entity.js';
import { NearestController } from './nearest.controller.js';
import { NearestService } from './nearest.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([City])],
  controllers: [NearestController],
  providers: [NearestService],
})
export class NearestModule {}
